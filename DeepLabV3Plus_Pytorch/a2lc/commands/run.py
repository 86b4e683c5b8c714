"""`a2lc run`: the whole loop, or a simulation; or what its configuration is."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from a2lc.commands.options import RunOptions
from a2lc.commands.request import Request
from a2lc.foundation.layers import describe_keys
from a2lc.foundation.locks import held
from a2lc.foundation.processes import on_main
from a2lc.foundation.terminal import show
from a2lc.loop.config import RunConfig, dump_config
from a2lc.simulation.settings import SimulationSettings, is_simulation, load_simulation

if TYPE_CHECKING:
    from a2lc.loop.run import Run

_log = logging.getLogger(__name__)


def run(request: Request[RunOptions]) -> None:
    """The whole loop for every seed and method, with tables after every method."""
    simulated = request.config is not None and is_simulation(request.config)
    if request.options.keys:
        if request.config is not None and not simulated:
            request.configs()  # a name that is none is told here, too
        show(describe_keys(SimulationSettings if simulated else RunConfig))
    elif simulated:
        _simulate(request)
    elif request.options.show:
        show("---\n".join(dump_config(config) for config in request.configs()))
    else:
        _loop(request, request.configs())


def _loop(request: Request[RunOptions], configs: list[RunConfig]) -> None:
    """Run all rounds; what computes is loaded here, once the configuration is known to be valid."""
    from tqdm.contrib.logging import logging_redirect_tqdm

    from a2lc.loop.opening import claimed, open_runs
    from a2lc.loop.plan import plan
    from a2lc.loop.rounds import run_rounds
    from a2lc.loop.sense import refuse_senseless

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
    from a2lc.loop.report import report

    return report(runs, request.command)


@on_main
def _show_tables(request: Request[RunOptions], folder: Path) -> None:
    """Print the summary, and where everything is."""
    show((folder / "summary.md").read_text(encoding="utf-8"))
    show(f"tables and figure: {folder}\n")


@on_main
def _simulate(request: Request[RunOptions]) -> None:
    """A configuration that is a simulation: masks and ground truth alone."""
    settings = load_simulation(request.config_name(), request.settings)
    if request.options.show:
        show(yaml.safe_dump(settings.model_dump(mode="json"), sort_keys=False))
        return
    from a2lc.simulation.campaigns import run_simulation

    with held(settings.output / "results" / settings.experiment, keep=False):
        folder = run_simulation(settings, request.command)
    show((folder / "summary.md").read_text(encoding="utf-8"))
    show(f"tables and figure: {folder}\n")
