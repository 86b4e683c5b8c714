"""Symmetric cross-entropy: cross-entropy and its reverse, in which the prediction judges the label.

Source: Wang, Ma, Chen, Luo, Yi and Bailey, "Symmetric Cross Entropy for Robust Learning with Noisy Labels", ICCV 2019.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from a2lc.segmentation.objectives.softmax import SoftmaxObjective


@dataclass(frozen=True)
class SymmetricCrossEntropy(SoftmaxObjective):
    """-α log p_y - β Σ_k p_k log t_k, where log t_k is 0 for the label and A for all others; fulfils `Objective`.

    Attributes:
        cross_entropy_weight: α.
        reverse_weight: β.
        log_of_zero: A < 0.
    """

    cross_entropy_weight: float
    reverse_weight: float
    log_of_zero: float

    def of_pixels(self, log_probabilities: Tensor, given: Tensor) -> Tensor:
        """See `SoftmaxObjective`."""
        reverse = self.log_of_zero * given.expm1()  # -A (1 - p_y): all that is not given to the label
        return -self.cross_entropy_weight * given + self.reverse_weight * reverse
