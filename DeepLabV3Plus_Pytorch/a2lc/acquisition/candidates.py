"""What may be asked about in an image, with its scores, as NumPy arrays; imports no PyTorch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from a2lc.foundation.parallel import check_parallel
from a2lc.mask_statistics.arrays import MaskStatistics


@dataclass(frozen=True)
class MaskScores(MaskStatistics):
    """`MaskStatistics` and the score of each mask, (M,) float64, higher = ask first."""

    score: NDArray[np.float64]

    def __post_init__(self) -> None:
        check_parallel(self, "mask_id", "score", "pixels", "label", "predicted", "representative", "mean_probability")


@dataclass(frozen=True)
class Candidates:
    """What may be asked about in an image.

    Attributes:
        scores: One entry per candidate; for the pool of masks one per mask, in ascending order of mask id.
        expansion: The pixels that an answer is about, as `encode_runs` writes them; None = the whole mask.
    """

    scores: MaskScores
    expansion: tuple[str | None, ...]

    def __post_init__(self) -> None:
        if len(self.expansion) != len(self.scores):
            raise ValueError(f"there are {len(self.scores)} candidates but {len(self.expansion)} expansions")
