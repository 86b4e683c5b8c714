"""A simulation, from its settings to tables."""

from __future__ import annotations

from a2lc.commands.options import RunOptions
from a2lc.commands.request import Request
from a2lc.foundation.locks import held
from a2lc.foundation.processes import on_main
from a2lc.foundation.terminal import show
from a2lc.simulation.campaigns import run_simulation
from a2lc.simulation.settings import SimulationSettings


@on_main
def simulate(request: Request[RunOptions], settings: SimulationSettings) -> None:
    """Simulate and print the summary."""
    with held(settings.output / "results" / settings.experiment, keep=False):
        folder = run_simulation(settings, request.command)
    show((folder / "summary.md").read_text(encoding="utf-8"))
    show(f"tables and figure: {folder}\n")
