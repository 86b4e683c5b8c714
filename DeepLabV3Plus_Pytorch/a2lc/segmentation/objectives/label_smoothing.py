"""Label smoothing: a share of every target is spread evenly over all classes.

Source: Szegedy, Vanhoucke, Ioffe, Shlens and Wojna, "Rethinking the Inception Architecture for Computer Vision", CVPR
2016, section 7; against noisy labels: Lukasik, Bhojanapalli, Menon and Kumar, "Does Label Smoothing Mitigate Label
Noise?", ICML 2020.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from a2lc.segmentation.objectives.softmax import SoftmaxObjective


@dataclass(frozen=True)
class LabelSmoothing(SoftmaxObjective):
    """-(1 - ε) log p_y - ε mean_k log p_k; fulfils `Objective`.

    Attributes:
        share: ε in [0, 1).
    """

    share: float

    def of_pixels(self, log_probabilities: Tensor, given: Tensor) -> Tensor:
        """See `SoftmaxObjective`."""
        return -(1 - self.share) * given - self.share * log_probabilities.mean(dim=1)
