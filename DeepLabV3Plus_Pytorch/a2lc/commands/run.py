"""`a2lc run`: whatever the configuration describes."""

from __future__ import annotations

from a2lc.commands.jobs import job_of
from a2lc.commands.options import RunOptions
from a2lc.commands.request import Request
from a2lc.foundation.layers import describe_keys
from a2lc.foundation.terminal import show


def run(request: Request[RunOptions]) -> None:
    """The whole job, with its tables; or its keys, or its composed configuration."""
    job = job_of(request.config)
    if request.options.keys:
        show(describe_keys(job.settings, {} if request.config is None else job.given(request)))
    elif request.options.show:
        show(job.shown(request))
    else:
        job.run(request)
