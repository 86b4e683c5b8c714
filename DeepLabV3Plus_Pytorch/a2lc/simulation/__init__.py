"""Simulations: whole annotation campaigns on masks and ground truth alone, in seconds; no image, no network."""

from typing import TYPE_CHECKING

from a2lc.foundation.lazy import lazily

if TYPE_CHECKING:
    from a2lc.simulation.campaigns import run_simulation
    from a2lc.simulation.settings import SIMULATIONS, SimulationSettings, load_simulation
else:
    __getattr__, __dir__ = lazily(__name__)

__all__ = ["SIMULATIONS", "SimulationSettings", "load_simulation", "run_simulation"]
