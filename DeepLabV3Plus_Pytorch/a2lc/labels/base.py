"""What ground truth, initial pseudo-labels and the labels of a round have in common."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray


class LabelSource(Protocol):
    """Anything that gives a label map per image."""

    def labels(self, image_id: str) -> NDArray[np.uint8]:
        """Label map (H, W) uint8: class index, 255 = void.

        Raises:
            InputError: When the map is missing or cannot be read.
        """
        ...


class MaskedLabels(LabelSource, Protocol):
    """Labels and masks, as initial pseudo-labels have them."""

    def masks(self, image_id: str) -> NDArray[np.int32]:
        """Mask map (H, W) int32, 0 = no mask.

        Raises:
            InputError: When the map is missing or cannot be read.
        """
        ...


@runtime_checkable
class LabelFiles(Protocol):
    """Labels of which each image's lie in a file of their own."""

    def label_path(self, image_id: str) -> Path:
        """The file that holds the labels of an image, there or not."""
        ...
