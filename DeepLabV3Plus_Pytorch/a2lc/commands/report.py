"""`a2lc report`: tables and figure again, from the metrics of all finished rounds."""

from __future__ import annotations

import shlex

from a2lc.commands.options import ReportOptions
from a2lc.commands.request import Request
from a2lc.foundation.terminal import show
from a2lc.loop.opening import open_runs
from a2lc.loop.report import need_finished
from a2lc.loop.report import report as write_report


def report(request: Request[ReportOptions]) -> None:
    """Write tables and figure again from the metrics of all finished rounds."""
    configs = request.configs()
    need_finished(configs)
    runs = open_runs(configs, computes=False)
    go_on = shlex.join(["a2lc", "run", request.config_name(), *request.settings])
    show(f"{write_report(runs, request.command, request.options.against, go_on)}\n")
