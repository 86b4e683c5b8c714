"""Soft bootstrapping: a share of every target is what the network itself predicts.

Source: Reed, Lee, Anguelov, Szegedy, Erhan and Rabinovich, "Training Deep Neural Networks on Noisy Labels with
Bootstrapping", ICLR 2015 workshop, the soft variant.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from a2lc.segmentation.objectives.softmax import SoftmaxObjective


@dataclass(frozen=True)
class SoftBootstrapping(SoftmaxObjective):
    """-Σ_k (β t_k + (1 - β) p_k) log p_k, also differentiated by the target's p; fulfils `Objective`.

    Attributes:
        given_share: β in (0, 1].
    """

    given_share: float

    def of_pixels(self, log_probabilities: Tensor, given: Tensor) -> Tensor:
        """See `SoftmaxObjective`."""
        entropy = -(log_probabilities.exp() * log_probabilities).sum(dim=1)
        return -self.given_share * given + (1 - self.given_share) * entropy
