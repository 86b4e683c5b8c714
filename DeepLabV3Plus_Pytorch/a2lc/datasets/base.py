"""Where images and ground truth come from: the one protocol that every data set fulfils."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from a2lc.classes import ClassSet
from a2lc.labels.base import LabelSource

Split = Literal["train", "val"]


class Dataset(Protocol):
    """Images of two splits, with ground truth where there is some.

    Ground truth stands in an object of its own so that only those who are handed it (the simulated annotator and the
    evaluator) can open it.
    """

    @property
    def classes(self) -> ClassSet:
        """The classes, in index order."""
        ...

    @property
    def ground_truth(self) -> LabelSource | None:
        """Ground truth of the training images, None where there is none."""
        ...

    @property
    def validation_truth(self) -> LabelSource | None:
        """Ground truth of the validation images, None where there is none."""
        ...

    @property
    def pseudo_labels(self) -> Path | None:
        """The pseudo-label set that the data set brings along, None where one must be named."""
        ...

    def ids(self, split: Split) -> Sequence[str]:
        """Image ids in a fixed order: the path below the image folder, without suffix."""
        ...

    def image_path(self, image_id: str) -> Path:
        """The file that holds the image."""
        ...

    def size(self, image_id: str) -> tuple[int, int]:
        """(height, width) of what `image` gives, told without reading the pixels; label and mask maps have it too."""
        ...

    def image(self, image_id: str) -> NDArray[np.uint8]:
        """The image, RGB (H, W, 3) uint8, EXIF orientation applied. Raises InputError when it cannot be read."""
        ...
