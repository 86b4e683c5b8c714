"""Simulations: whole annotation campaigns on masks and ground truth alone, in seconds; no image, no network."""

from a2lc.simulation.run import run_simulation
from a2lc.simulation.settings import SimulationSettings, is_simulation, load_simulation

__all__ = ["SimulationSettings", "is_simulation", "load_simulation", "run_simulation"]
