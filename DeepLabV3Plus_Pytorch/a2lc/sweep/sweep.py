"""A whole sweep: its jobs, then the tables."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from a2lc.foundation.errors import InputError, refuse
from a2lc.foundation.terminal import show
from a2lc.loop.config import load_config
from a2lc.loop.opening import open_runs
from a2lc.loop.report import report
from a2lc.sweep.jobs import Job, composed, jobs_of
from a2lc.sweep.local import run_jobs
from a2lc.sweep.settings import SweepSettings, load_sweep
from a2lc.sweep.slurm import submit_jobs


def run_sweep(
    path: Path,
    command: str,
    overrides: Sequence[str] = (),
    processes: int = 1,
    slurm: bool = False,
    dry_run: bool = False,
) -> None:
    """Run the jobs of a sweep that are not done yet, and write the tables of all of them.

    Args:
        path: File of the sweep.
        command: The command that was given, for the summaries.
        overrides: "key=value" for all jobs.
        processes: Jobs at a time on this machine.
        slurm: Whether to submit the jobs to a cluster instead; the last of each experiment then writes its tables.
        dry_run: Whether to print the command of each job only.

    Raises:
        InputError: When the file is invalid, or jobs have failed; each is told in a line.
    """
    if processes < 1:
        raise InputError(f"--jobs is {processes}: expected at least 1")
    settings = load_sweep(path)
    jobs = jobs_of(settings, path.stem, overrides)
    if dry_run:
        show("".join(f"{job.command}\n" for job in jobs))
        return
    open_jobs = [job for job in jobs if not job.is_done]
    sys.stderr.write(f"{len(jobs)} jobs, {len(jobs) - len(open_jobs)} of them done\n")
    if slurm and open_jobs:
        _submit(open_jobs, settings, command)
        return
    failures = run_jobs(open_jobs, processes, command)
    _write_tables(settings, command, overrides)
    refuse("jobs of the sweep have failed; the same command tries them again", failures)


def _submit(jobs: Sequence[Job], settings: SweepSettings, command: str) -> None:
    folder = jobs[0].log.parent
    submitted = submit_jobs(jobs, folder / "%j", settings.slurm, command)
    for job, at_cluster in zip(jobs, submitted, strict=True):
        show(f"{at_cluster.job_id}: {job.name}\n")
    show(f"logs: {folder}\n")


def _write_tables(sweep: SweepSettings, command: str, overrides: Sequence[str]) -> None:
    """Tables and figure of every experiment of which a round is finished, all seeds together."""
    for run, config, settings in composed(sweep, overrides):
        experiment = config.output / "runs" / config.experiment
        if any(experiment.glob("seed*/round_0/metrics.json")):
            folder = report(open_runs(load_config(run.config, settings), computes=False), command)
            show(f"tables and figure: {folder}\n")
