"""From overlapping masks to one label map and one mask map, in a single pass that holds one mask at a time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from a2lc.foundation.errors import InputError

MAX_MASKS = 65535  # ids are stored in 16 bits


class Rasteriser:
    """Paints small masks over large ones; of equally large ones the later detection lies on top.

    The result is that of sorting all masks by area, largest first (stable), and painting one over the other, but the
    masks may come in the detector's order and need not be kept.

    Args:
        height: Height of the image in pixels.
        width: Width of the image in pixels.
        unmasked: Label of pixels under no mask (`ClassSet.unmasked_label`).
        min_area: Masks of fewer pixels than this are not painted. They count all the same: ids are always index of
            the detection + 1.

    Attributes:
        labels: (H, W) uint8, label of the uppermost mask so far.
        masks: (H, W) int32, its id, from 1 in the order of `add`; 0 = no mask.
    """

    def __init__(self, height: int, width: int, unmasked: int, min_area: int = 0) -> None:
        self.labels: NDArray[np.uint8] = np.full((height, width), unmasked, dtype=np.uint8)
        self.masks: NDArray[np.int32] = np.zeros((height, width), dtype=np.int32)
        self._area = np.full((height, width), np.iinfo(np.int32).max, dtype=np.int32)  # of the uppermost mask
        self._min_area = min_area
        self._count = 0

    def add(self, mask: NDArray[np.bool_], label: int) -> int:
        """Paint the next mask and return its area in pixels, hidden ones included.

        Args:
            mask: (H, W) bool; may be empty.
            label: Its class index.

        Raises:
            InputError: When there are more masks than ids.
            ValueError: When the mask has another size than the image.
        """
        if mask.shape != self.labels.shape:
            raise ValueError(f"the mask is {mask.shape} but the image is {self.labels.shape}")
        if self._count == MAX_MASKS:
            raise InputError(
                f"the image has more than {MAX_MASKS} detections, which is all that 16-bit mask ids can tell apart: "
                "raise score_threshold or set nms"
            )
        self._count += 1
        area = int(np.count_nonzero(mask))
        if area >= self._min_area:
            on_top = mask & (self._area >= area)  # equal area: the later detection wins
            np.copyto(self._area, area, where=on_top)
            np.copyto(self.labels, label, where=on_top)
            np.copyto(self.masks, self._count, where=on_top)
        return area
