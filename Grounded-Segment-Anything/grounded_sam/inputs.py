"""What a generation starts from: the classes, and the images by id."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from a2lc.classes import ClassSet
from a2lc.datasets import open_dataset
from a2lc.foundation.errors import InputError
from a2lc.foundation.images import image_orientation, images_by_id, read_image
from grounded_sam.settings import GenerateSettings


@dataclass(frozen=True)
class Photo:
    """One image as it was read.

    Attributes:
        pixels: RGB (H, W, 3) uint8, upright, as the data set gives it.
        orientation: EXIF orientation that was applied, 1 = none.
    """

    pixels: NDArray[np.uint8]
    orientation: int


@dataclass(frozen=True)
class Inputs:
    """Classes and images.

    Attributes:
        classes: What to look for.
        paths: {image id: file}, in the order of the data set.
        image: Gives the image of an id, RGB (H, W, 3) uint8, upright; raises InputError when it cannot be read. A data
            set may resize its images, so it is not always what lies in the file.
    """

    classes: ClassSet
    paths: Mapping[str, Path]
    image: Callable[[str], NDArray[np.uint8]]

    def photo(self, image_id: str) -> Photo:
        """Read an image. Raises InputError when it cannot be read."""
        return Photo(self.image(image_id), image_orientation(self.paths[image_id]))

    def read(self, image_ids: Sequence[str]) -> tuple[list[Photo], list[str]]:
        """Read several images, and tell what is wrong with those that cannot be read, a sentence each."""
        photos = []
        problems = []
        for image_id in image_ids:
            try:
                photos.append(self.photo(image_id))
            except InputError as error:
                problems.append(str(error))
        return photos, problems


def open_inputs(settings: GenerateSettings) -> Inputs:
    """Find the training images of the data set, or as many of them as `limit` says.

    Raises:
        InputError: When the data or its class list is not there or not valid, there is no training image, or the
            output lies where images are searched.
    """
    dataset = open_dataset(settings.dataset)
    paths = {image_id: dataset.image_path(image_id) for image_id in dataset.ids("train")[: settings.limit]}
    if not paths:
        raise InputError(f"{settings.dataset.root} has no training image: its list of validation images names all")
    if settings.dataset.name == "folder":
        _refuse_output_among_images(settings.target, settings.dataset.root / settings.dataset.images)
    return Inputs(dataset.classes, paths, dataset.image)


def open_folder(images: Path, classes: ClassSet, target: Path) -> Inputs:
    """Find the images of a plain folder and its sub-folders.

    Args:
        images: The folder.
        classes: What there is in the images.
        target: Where the pseudo-label set will lie.

    Raises:
        InputError: When the folder is not there or holds no image, or the output lies in it.
    """
    if not images.is_dir():
        raise InputError(f"{images} {'is a file' if images.exists() else 'does not exist'}: give a folder of images")
    _refuse_output_among_images(target, images)
    paths = images_by_id(images, images.rglob("*"))
    return Inputs(classes, paths, lambda image_id: read_image(paths[image_id]))


def _refuse_output_among_images(target: Path, images: Path) -> None:
    if target.resolve().is_relative_to(images.resolve()):
        raise InputError(
            f"the output {target} lies in the folder of the images, {images}, where its label maps would be taken for "
            "images: set output to a folder elsewhere"
        )
