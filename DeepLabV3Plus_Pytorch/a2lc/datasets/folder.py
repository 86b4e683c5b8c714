"""Any folder of images with a class list; ground truth is optional."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray

from a2lc.classes import load_classes
from a2lc.datasets.base import Split
from a2lc.datasets.id_list import read_id_list
from a2lc.datasets.location import explain_missing
from a2lc.formats.png import LabelFolder
from a2lc.foundation.errors import InputError, refuse
from a2lc.foundation.images import image_size, images_by_id, read_image
from a2lc.foundation.settings import Decides, Settings


class FolderSettings(Settings):
    """A folder of your own images. Paths other than `root` are relative to `root`."""

    name: Literal["folder"]
    """Which data set: folder."""
    root: Annotated[Path, Decides.SOURCE]
    """Folder of the data set."""
    images: Path = Path("images")
    """Folder of the images; sub-folders are searched."""
    classes: Path = Path("classes.yaml")
    """Class list."""
    ground_truth: Path = Path("ground_truth")
    """Folder of label PNGs named like the images; may be absent."""
    train: Path = Path("train.txt")
    """List of training image ids; absent = all images that are not in `val`."""
    val: Path = Path("val.txt")
    """List of validation image ids (they need ground truth); absent = no validation."""


class Folder:
    """A folder of images with classes.yaml.

    Raises:
        InputError: When the image folder or class list is missing, two images share an id, or a list names an image
            that is not there.
    """

    def __init__(self, settings: FolderSettings) -> None:
        self._settings = settings
        self._images = settings.root / settings.images
        if not self._images.is_dir():
            remedy = "put the images there or set dataset.images"
            # only the class list tells: a folder called images may hold anything
            raise explain_missing(self._images, settings.root, [settings.classes], remedy)
        self.classes = load_classes(settings.root / settings.classes)
        truth = settings.root / settings.ground_truth
        folder = LabelFolder(truth, len(self.classes), self.classes.void) if truth.is_dir() else None
        self.ground_truth = folder if folder and self._has_truth(folder, "train") else None
        self.validation_truth = folder if folder and self._has_truth(folder, "val") else None
        own = settings.root / "pseudo_labels"
        self.pseudo_labels = own if own.is_dir() else None

    def _has_truth(self, folder: LabelFolder, split: Split) -> bool:
        """All images of the split have ground truth, or none has; anything between is a mistake."""
        there = [folder.label_path(image_id).is_file() for image_id in self.ids(split)]
        if any(there) and not all(there):
            missing = next(image_id for image_id, found in zip(self.ids(split), there, strict=True) if not found)
            raise InputError(
                f"{folder.folder} has ground truth for {sum(there)} of {len(there)} {split} images but not for "
                f"'{missing}': add the missing ones, or name the images that have it in {self._settings.val}"
            )
        return bool(there) and all(there)

    @cached_property
    def _paths(self) -> dict[str, Path]:
        return images_by_id(self._images, self._images.rglob("*"))

    def ids(self, split: Split) -> tuple[str, ...]:
        """Image ids of a split, from its list or, for train, all images that are not in val."""
        listed = self._settings.root / (self._settings.train if split == "train" else self._settings.val)
        if os.path.lexists(listed):  # whatever it is: reading it tells what is wrong
            ids = read_id_list(listed, self._paths)
            unknown = [image_id for image_id in ids if image_id not in self._paths]
            refuse(f"{listed} names images that are not in {self._images}: add them or take the lines out", unknown)
            return ids
        if split == "val":
            return ()
        validation = set(self.ids("val"))
        return tuple(image_id for image_id in self._paths if image_id not in validation)

    def image_path(self, image_id: str) -> Path:
        """The file of an image."""
        return self._paths[image_id]

    def size(self, image_id: str) -> tuple[int, int]:
        """(height, width) of the image."""
        return image_size(self._paths[image_id])

    def image(self, image_id: str) -> NDArray[np.uint8]:
        """RGB (H, W, 3) uint8, EXIF orientation applied."""
        return read_image(self._paths[image_id])
