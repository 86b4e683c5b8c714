"""The jobs of a sweep in processes of this machine."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence

from a2lc.foundation.bars import bar
from a2lc.sweep.attached import environment_of, started_as
from a2lc.sweep.jobs import Job

_THREADS = ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS")  # of PyTorch and of compiled loops


def run_jobs(jobs: Sequence[Job], processes: int, command: str) -> list[str]:
    """Run jobs, some at a time, each with its share of this machine's threads.

    A job that fails stops no other. When this process ends, however that happens, its jobs end too.

    Args:
        jobs: What to run, in this order.
        processes: Jobs at a time.
        command: The command that a reader can run to get the same tables, for their summaries.

    Returns:
        A line for every job that failed.
    """
    return asyncio.run(_run_jobs(jobs, processes, command))


async def _run_jobs(jobs: Sequence[Job], processes: int, command: str) -> list[str]:
    slots = asyncio.Semaphore(processes)
    environment = {**environment_of(command), **threads(processes)}
    with bar(description="sweep", total=len(jobs), unit="job", leave=False) as progress:

        async def one(job: Job) -> str | None:
            async with slots:
                code = await _run(job, environment)
            progress.update()
            return f"{job.name} ended with exit code {code}: {_last_line(job)} (log: {job.log})" if code else None

        ended = await asyncio.gather(*map(one, jobs))
    return [failure for failure in ended if failure]


async def _run(job: Job, environment: Mapping[str, str]) -> int:
    """Run a job to its end; its exit code."""
    job.log.parent.mkdir(parents=True, exist_ok=True)
    with job.log.open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *started_as(job.arguments),
            stdin=asyncio.subprocess.PIPE,
            stdout=log,
            stderr=log,
            env=environment,
        )
        code = await process.wait()
    if not code:
        job.mark_done()
    return code


def threads(processes: int) -> dict[str, str]:
    """Environment that gives each of some processes its share of the threads of this one."""
    available = int(os.environ.get("OMP_NUM_THREADS") or len(os.sched_getaffinity(0)))
    return dict.fromkeys(_THREADS, str(max(1, available // processes)))


def _last_line(job: Job) -> str:
    lines = job.log.read_text(encoding="utf-8", errors="replace").split("\n")
    told = [line.strip() for line in lines if line.strip()]
    return told[-1] if told else "it printed nothing"
