"""What the rendered data sets share: one folder of images, one of labels, all for training, classes of Cityscapes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from a2lc.classes import load_classes
from a2lc.datasets.base import Split
from a2lc.datasets.id_list import read_id_list
from a2lc.datasets.location import explain_missing
from a2lc.foundation.errors import InputError, refuse
from a2lc.foundation.images import image_size, images_by_id, read_image

VOID = 255


@dataclass(frozen=True)
class RenderedTruth:
    """Ground truth in label ids of the data set's own; fulfils `LabelSource`.

    Attributes:
        folder: PNGs named like the images.
        read: File → label ids (H, W) below 256.
        train_ids: (256,) uint8, the trainId of Cityscapes of each label id, 255 = void.
    """

    folder: Path
    read: Callable[[Path], NDArray[np.integer]]
    train_ids: NDArray[np.uint8]

    def labels(self, image_id: str) -> NDArray[np.uint8]:
        """TrainIds (H, W) uint8. Raises InputError when the file is missing or cannot be read."""
        path = self.folder / f"{image_id}.png"
        if not path.is_file():
            raise InputError(
                f"{path} does not exist: unpack the labels of all images, or list those you have in `train`"
            )
        return self.train_ids[self.read(path)]


class Rendered:
    """A data set that a game or a simulator rendered; there are no validation images.

    Raises:
        InputError: When a folder is missing, or `listed` names an image that is not there.
    """

    def __init__(
        self, root: Path, images: Path, labels: Path, listed: Path | None, truth: RenderedTruth, instruction: str
    ) -> None:
        """Look for the files.

        Args:
            root: Folder of the data set.
            images: Folder of the images, below `root`.
            labels: Folder of the labels, below `root`.
            listed: List of training image ids; None = all images.
            truth: Reads the labels.
            instruction: Where the data are to be had.
        """
        for folder in (images, labels):
            if not (root / folder).is_dir():
                raise explain_missing(root / folder, root, (images, labels), instruction)
        self._paths = images_by_id(root / images, (root / images).iterdir())
        self._ids = tuple(self._paths) if listed is None else read_id_list(listed, self._paths)
        refuse(f"{listed} names images that are not in {root / images}", sorted(set(self._ids) - set(self._paths)))
        self.classes = load_classes("cityscapes")
        self.ground_truth = truth
        self.validation_truth = None
        self.pseudo_labels = None

    def ids(self, split: Split) -> tuple[str, ...]:
        """Image ids of train, sorted or in the order of the list; there are none of val."""
        return self._ids if split == "train" else ()

    def image_path(self, image_id: str) -> Path:
        """The file of an image."""
        return self._paths[image_id]

    def size(self, image_id: str) -> tuple[int, int]:
        """(height, width) of the image."""
        return image_size(self._paths[image_id])

    def image(self, image_id: str) -> NDArray[np.uint8]:
        """RGB (H, W, 3) uint8."""
        return read_image(self._paths[image_id])


def train_id_table(train_ids: Mapping[int, int]) -> NDArray[np.uint8]:
    """(256,) uint8 from {label id: trainId}; void for all other label ids."""
    table = np.full(256, VOID, dtype=np.uint8)
    for label_id, train_id in train_ids.items():
        table[label_id] = train_id
    return table
