"""`a2lc report`: tables and figure again, from the metrics of all finished rounds."""

from __future__ import annotations

from a2lc.commands.options import ReportOptions
from a2lc.commands.request import Request
from a2lc.foundation.terminal import show
from a2lc.loop.opening import open_runs
from a2lc.loop.report import report as write_report


def report(request: Request[ReportOptions]) -> None:
    """Write tables and figure again from the metrics of all finished rounds."""
    runs = open_runs(request.configs(), computes=False)
    show(f"{write_report(runs, request.command, request.options.against)}\n")
