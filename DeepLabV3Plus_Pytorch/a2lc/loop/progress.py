"""How far a run has come, told by its files; and how many batches a round has."""

from __future__ import annotations

import math

from a2lc.foundation.errors import InputError
from a2lc.foundation.files import is_there
from a2lc.loop.config import RunConfig
from a2lc.loop.run import Run


def trained_rounds(run: Run) -> int:
    """How many networks are trained: θ_0 to θ_(this - 1)."""
    trained = [is_there(run.round_folder(index) / "training.json") for index in range(run.config.rounds + 1)]
    return trained.index(False) if False in trained else len(trained)


def need_trained(rounds: int) -> None:
    """Refuse to go on without a trained network.

    Raises:
        InputError: When `rounds`, the number of trained networks, is 0.
    """
    if rounds == 0:
        raise InputError("there is no trained network yet: run a2lc train with the same configuration first")


def batches_per_round(run: Run) -> int:
    """Number of batches of questions in a round."""
    return batches_of(run.config)


def batches_of(config: RunConfig) -> int:
    """Number of batches of questions in a round of a configuration."""
    return math.ceil(config.budget / (config.inner_batch or config.budget))
