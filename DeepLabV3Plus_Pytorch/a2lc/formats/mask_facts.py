"""Masks as the entries of a list, which files that list them need: label, size and box of each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class MaskFacts:
    """Parallel arrays, one entry per mask with a pixel in an image, in ascending order of mask id.

    Attributes:
        mask_id: (M,) int64.
        label: (M,) int64, majority label; void counts as one, ties go to the smallest.
        pixels: (M,) int64, visible pixels.
        box: (M, 4) int64; x0, y0, x1, y1 in pixels around the visible pixels, the ends exclusive.
    """

    mask_id: NDArray[np.int64]
    label: NDArray[np.int64]
    pixels: NDArray[np.int64]
    box: NDArray[np.int64]

    def __post_init__(self) -> None:
        masks = len(self.mask_id)
        if self.label.shape != (masks,) or self.pixels.shape != (masks,) or self.box.shape != (masks, 4):
            raise ValueError(f"facts about {masks} masks need as many labels, sizes and boxes")

    def __len__(self) -> int:
        return len(self.mask_id)


def mask_facts(labels: NDArray[np.uint8], masks: NDArray[np.integer]) -> MaskFacts:
    """Label, size and box of every mask of an image, in one pass over its pixels.

    Args:
        labels: (H, W) uint8.
        masks: (H, W) mask ids, 0 = no mask.
    """
    rows, columns = np.nonzero(masks)  # (P,) each: the pixels under any mask
    under = masks[rows, columns]
    ids = np.unique(under)
    index = np.searchsorted(ids, under)
    votes = np.bincount(index * 256 + labels[rows, columns], minlength=256 * len(ids)).reshape(-1, 256)
    box = np.tile(np.array([*masks.shape[::-1], 0, 0], dtype=np.int64), (len(ids), 1))
    for corner, positions in ((0, columns), (1, rows)):
        np.minimum.at(box[:, corner], index, positions)
        np.maximum.at(box[:, corner + 2], index, positions + 1)
    return MaskFacts(ids.astype(np.int64), votes.argmax(axis=1), votes.sum(axis=1), box)
