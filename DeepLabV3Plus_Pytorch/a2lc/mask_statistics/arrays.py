"""The statistics of an image's masks as NumPy arrays; imports no PyTorch, so that tables of them are read quickly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from a2lc.foundation.parallel import check_parallel


@dataclass(frozen=True)
class MaskStatistics:
    """Parallel NumPy arrays, one entry per mask present in an image, in ascending order of mask id.

    Attributes:
        mask_id: (M,) int64.
        pixels: (M,) int64, size in pixels.
        label: (M,) int64, majority current label (void counts as a label; ties: smallest index).
        predicted: (M,) int64, dominant predicted class (ties: smallest index).
        representative: (M, 2) int64, row and column of the pixel of the core most similar to the core's mean
            (ALC eq. 4-6; ties: first in row-major order).
        mean_probability: (M, C) float32, mean of f over all pixels of the mask.
    """

    mask_id: NDArray[np.int64]
    pixels: NDArray[np.int64]
    label: NDArray[np.int64]
    predicted: NDArray[np.int64]
    representative: NDArray[np.int64]
    mean_probability: NDArray[np.float32]

    def __post_init__(self) -> None:
        """Refuse arrays that are not parallel."""
        check_parallel(self, "mask_id", "pixels", "label", "predicted", "representative", "mean_probability")

    def __len__(self) -> int:
        return len(self.mask_id)
