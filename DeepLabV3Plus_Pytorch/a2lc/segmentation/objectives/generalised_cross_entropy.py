"""Generalised cross-entropy: between cross-entropy and the mean absolute error.

Source: Zhang and Sabuncu, "Generalized Cross Entropy Loss for Training Deep Neural Networks with Noisy Labels", NeurIPS
2018, the L_q loss, without its truncation.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from a2lc.segmentation.objectives.softmax import SoftmaxObjective


@dataclass(frozen=True)
class GeneralisedCrossEntropy(SoftmaxObjective):
    """(1 - p_y^q) / q; fulfils `Objective`.

    Attributes:
        exponent: q in (0, 1].
    """

    exponent: float

    def of_pixels(self, log_probabilities: Tensor, given: Tensor) -> Tensor:
        """See `SoftmaxObjective`."""
        return -(self.exponent * given).expm1() / self.exponent  # expm1: exact for q near 0, too
