"""The rounds of correction, from configurations to tables."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from tqdm.contrib.logging import logging_redirect_tqdm

from a2lc.commands.options import RunOptions
from a2lc.commands.request import Request
from a2lc.foundation.processes import on_main
from a2lc.foundation.terminal import show
from a2lc.loop.config import RunConfig
from a2lc.loop.opening import claimed, open_runs
from a2lc.loop.plan import plan
from a2lc.loop.report import report
from a2lc.loop.rounds import run_rounds
from a2lc.loop.run import Run
from a2lc.loop.sense import refuse_senseless

_log = logging.getLogger(__name__)


def correct_labels(request: Request[RunOptions], configs: list[RunConfig]) -> None:
    """Run all rounds of every seed and method, with tables after every method."""
    runs = open_runs(configs, request.processes)
    for current in runs:
        refuse_senseless(current)
    _log.info("%s", plan(configs, len(runs[0].dataset.ids("train"))))
    for current in runs:
        with claimed(current), logging_redirect_tqdm([logging.getLogger()]):
            run_rounds(current)
        folder = _report(request, runs)
    _show_tables(request, folder)


@on_main
def _report(request: Request[RunOptions], runs: Sequence[Run]) -> Path:
    """Write the tables of what is finished so far."""
    return report(runs, request.command)


@on_main
def _show_tables(request: Request[RunOptions], folder: Path) -> None:
    """Print the summary, and where everything is."""
    show((folder / "summary.md").read_text(encoding="utf-8"))
    show(f"tables and figure: {folder}\n")
