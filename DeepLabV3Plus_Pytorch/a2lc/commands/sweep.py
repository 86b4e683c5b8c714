"""`a2lc sweep`: run, or submit, every job of a sweep."""

from __future__ import annotations

from pathlib import Path

from a2lc.commands.options import SweepOptions
from a2lc.commands.request import Request
from a2lc.sweep.sweep import run_sweep


def sweep(request: Request[SweepOptions]) -> None:
    """Run, or submit, every job of a sweep."""
    options = request.options
    path = Path(request.config_name())
    run_sweep(path, request.command, request.settings, options.jobs, slurm=options.slurm, dry_run=options.dry_run)
