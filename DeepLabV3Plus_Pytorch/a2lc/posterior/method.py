"""The method as the loop and the simulation use it: answers in, labels and the order of the next questions out."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from a2lc.foundation.seeding import seed_of
from a2lc.posterior.acquisition import score_masks
from a2lc.posterior.answers import adjacency
from a2lc.posterior.belief import Belief, update_belief
from a2lc.posterior.pool import MaskPool
from a2lc.posterior.runs import IntArray
from a2lc.posterior.settings import PosteriorSettings


class PosteriorModel:
    """The answer posterior over a pool of masks.

    It keeps nothing of earlier answers: the same votes give the same belief, in whatever order they came in.

    Args:
        pool: The masks.
        settings: How to fit and how far to believe.
        seed: Decides the folds, where answers may be wrong.
        network: (M, C) float32, mean class probabilities of each mask; None without a network.
    """

    def __init__(
        self, pool: MaskPool, settings: PosteriorSettings, seed: int, network: NDArray[np.float32] | None = None
    ) -> None:
        self._pool = pool
        self._settings = settings
        self._seed = seed
        self._network = network

    @cached_property
    def _touching(self) -> csr_array:
        """(M, M) which masks touch, and how far; no answer changes it."""
        return adjacency(self._pool)

    @cached_property
    def _fold(self) -> IntArray:
        """(M,) the part of each mask, by its key alone: more images or answers move no mask to another part."""
        keys = self._pool.keys()
        folds = [seed_of(self._seed, "posterior fold", *key) % self._settings.folds for key in keys]
        return np.array(folds, dtype=np.int64)

    def update(self, votes: IntArray) -> Belief:
        """Learn from all answers: (M, C + 1) int64, answers per mask and class, void last."""
        return update_belief(self._pool, self._touching, votes, self._fold, self._settings, self._network)

    def score(self, belief: Belief) -> NDArray[np.float64]:
        """(M,) what a click on each mask is worth, -inf where none is to be spent; before the first answer the area."""
        if not belief.asked.any():
            return self._pool.pixels.astype(np.float64)
        return score_masks(self._pool, belief, self._settings)
