"""The jobs of a sweep as a job array of a SLURM cluster, through submitit."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from a2lc.foundation.errors import InputError
from a2lc.sweep.attached import environment_of, started_as
from a2lc.sweep.jobs import Job

if TYPE_CHECKING:
    from submitit import Job as Submitted
    from submitit.helpers import DelayedSubmission


@dataclass(frozen=True)
class Task:
    """What a node of the cluster does: a job, and the same job again when it was preempted or its time ran out.

    Attributes:
        job: The job.
        command: The command that a reader can run to get the same tables.
    """

    job: Job
    command: str

    def __call__(self) -> None:
        """Run the job, which continues where it was stopped.

        Raises:
            RuntimeError: When it fails, so that the cluster counts it as failed.
        """
        arguments = started_as(self.job.arguments)
        with subprocess.Popen(arguments, stdin=subprocess.PIPE, env=environment_of(self.command)) as process:
            code = process.wait()
        if code:
            raise RuntimeError(
                f"{self.job.name} ended with exit code {code}: {shlex.join(['a2lc', *self.job.arguments])}"
            )
        self.job.mark_done()

    def checkpoint(self) -> DelayedSubmission:
        """What submitit is to queue in place of the job when the cluster takes its node away: the same again."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)


def submit_jobs(
    jobs: Sequence[Job], folder: Path, parameters: Mapping[str, Any], command: str, cluster: str = "slurm"
) -> list[Submitted[None]]:
    """Submit jobs as one job array.

    Args:
        jobs: What to run.
        folder: For submitit's files and the logs; the nodes must see it.
        parameters: Of the jobs, as submitit's `update_parameters` takes them.
        command: The command that a reader can run to get the same tables.
        cluster: Kind of executor, by submitit's name; "local" starts processes on this machine.

    Returns:
        submitit's jobs, in the order given.

    Raises:
        InputError: When submitit is not installed, there is no SLURM here, or a parameter is unknown to submitit.
    """
    try:
        import submitit
    except ImportError:
        raise InputError("submitit is not installed, which SLURM jobs need: pip install 'a2lc[slurm]'") from None
    try:
        executor = submitit.AutoExecutor(folder=folder, cluster=cluster)
        executor.update_parameters(**parameters)
    except (RuntimeError, NameError, AssertionError, TypeError) as error:
        reason = str(error).partition("\n")[0]
        raise InputError(f"the jobs cannot be submitted ({reason}): see `slurm:` in the file of the sweep") from None
    with executor.batch():
        return [executor.submit(Task(job, command)) for job in jobs]
