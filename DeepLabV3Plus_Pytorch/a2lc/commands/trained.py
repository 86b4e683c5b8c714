"""Trainings with labelled and unlabelled images, from their settings to tables."""

from __future__ import annotations

import logging
from pathlib import Path

from tqdm.contrib.logging import logging_redirect_tqdm

from a2lc.commands.options import RunOptions
from a2lc.commands.request import Request
from a2lc.foundation.processes import on_main
from a2lc.foundation.terminal import show
from a2lc.semi_supervised.opening import claimed, open_arms
from a2lc.semi_supervised.report import report
from a2lc.semi_supervised.settings import SemiSupervisedSettings
from a2lc.semi_supervised.training import train_arm


def train_all(request: Request[RunOptions], methods: list[SemiSupervisedSettings]) -> None:
    """Train for every method, split and seed, with tables after every training."""
    for arm in open_arms(methods, request.processes):
        with claimed(arm), logging_redirect_tqdm([logging.getLogger()]):
            train_arm(arm)
        folder = _report(request, methods[0])
    _show_tables(request, folder)


@on_main
def _report(request: Request[RunOptions], settings: SemiSupervisedSettings) -> Path:
    """Write the tables of what is finished so far."""
    return report(settings, request.command)


@on_main
def _show_tables(request: Request[RunOptions], folder: Path) -> None:
    """Print the summary, and where everything is."""
    show((folder / "summary.md").read_text(encoding="utf-8"))
    show(f"tables: {folder}\n")
