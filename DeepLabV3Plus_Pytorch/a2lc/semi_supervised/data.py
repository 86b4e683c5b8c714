"""Which images are labelled, and which are not; the ground truth of the others stays closed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from a2lc.datasets import read_id_list
from a2lc.foundation.errors import InputError, refuse
from a2lc.foundation.seeding import generator
from a2lc.labels.base import LabelSource
from a2lc.segmentation import decode_once
from a2lc.segmentation.consistency import LabelledImages, UnlabelledImages
from a2lc.semi_supervised.arm import Arm

Size = tuple[int, int]
Images = Callable[[str], NDArray[np.uint8]]


@dataclass(frozen=True)
class Revealed:
    """Ground truth of some images alone; fulfils `LabelSource`.

    Attributes:
        truth: Of all images.
        ids: Those that may be asked for.
    """

    truth: LabelSource
    ids: frozenset[str]

    def labels(self, image_id: str) -> NDArray[np.uint8]:
        """(H, W) uint8. Raises PermissionError for an image that is not labelled."""
        if image_id not in self.ids:
            raise PermissionError(f"'{image_id}' is not labelled here")
        return self.truth.labels(image_id)


@dataclass(frozen=True)
class ResizedImages:
    """Images of one size.

    Attributes:
        images: Image id → RGB (H, W, 3) uint8.
        size: Height and width.
    """

    images: Images
    size: Size

    def __call__(self, image_id: str) -> NDArray[np.uint8]:
        """RGB (h, w, 3) uint8."""
        image = Image.fromarray(self.images(image_id))
        return np.asarray(image.resize(self.size[::-1], Image.Resampling.BILINEAR))


@dataclass(frozen=True)
class ResizedLabels:
    """Labels of one size; fulfils `LabelSource`.

    Attributes:
        source: Labels (H, W).
        size: Height and width.
    """

    source: LabelSource
    size: Size

    def labels(self, image_id: str) -> NDArray[np.uint8]:
        """(h, w) uint8, each pixel with the label of the nearest one."""
        labels = Image.fromarray(self.source.labels(image_id))
        return np.asarray(labels.resize(self.size[::-1], Image.Resampling.NEAREST))


@dataclass(frozen=True)
class Share:
    """Who is labelled and who is not.

    Attributes:
        labelled: Ids of the labelled images.
        unlabelled: Ids of the others.
        told: Where the choice comes from, for the tables.
    """

    labelled: tuple[str, ...]
    unlabelled: tuple[str, ...]
    told: str


def share_of(arm: Arm) -> Share:
    """Divide the images into labelled and unlabelled ones.

    Raises:
        InputError: When a list names images that are not there, or more are to be labelled than there are.
    """
    ids = tuple(arm.dataset.ids("train"))
    labelled, told = _labelled(arm, ids)
    own = set() if arm.source else set(labelled)
    others = tuple(image_id for image_id in ids if image_id not in own)
    listed = arm.settings.unlabelled
    return Share(labelled, others if listed is None else _listed(listed, ids), told)


def _labelled(arm: Arm, ids: Sequence[str]) -> tuple[tuple[str, ...], str]:
    """Ids of the labelled images, and where they come from."""
    if arm.source is not None:
        return tuple(arm.source.ids("train")), "all images of the source"
    if arm.settings.labelled is not None:
        return _listed(arm.settings.labelled, ids), f"list {arm.settings.labelled.name}"
    return drawn(ids, arm.split, arm.seed), "drawn by the seed"


def drawn(ids: Sequence[str], split: str, seed: int) -> tuple[str, ...]:
    """A random share of the images, in their order; a smaller share is part of a larger one.

    Args:
        ids: All of them.
        split: A share in (0, 1], such as "1/8", or a number of images.
        seed: Decides which.

    Raises:
        InputError: When there are not as many images.
    """
    wanted = Fraction(split)
    count = max(1, round(wanted * len(ids))) if wanted < 1 or "/" in split else int(wanted)
    if count > len(ids):
        raise InputError(f"split is {split}, but there are {len(ids)} training images: choose fewer, or a share")
    chosen = generator(seed, "labelled").permutation(len(ids))[:count]
    return tuple(ids[index] for index in sorted(chosen))


def _listed(path: Path, ids: Sequence[str]) -> tuple[str, ...]:
    found = read_id_list(path, ids)
    known = set(ids)
    refuse(f"{path} names images that are not for training", [name for name in found if name not in known])
    return found


def labelled_images(arm: Arm, share: Share) -> LabelledImages:
    """The labelled images, in the size that the settings ask for.

    Raises:
        InputError: When there is no ground truth.
    """
    dataset = arm.source or arm.dataset
    size = arm.settings.source_size if arm.source else arm.settings.size
    if dataset.ground_truth is None:
        raise InputError(
            f"{arm.settings.experiment}: the training images have no ground truth, so none of them can be labelled: "
            "add it to the data set"
        )
    truth: LabelSource = Revealed(dataset.ground_truth, frozenset(share.labelled))
    images = _resized(decode_once(dataset, arm.settings.training.cache), size)
    return LabelledImages(images, ResizedLabels(truth, size) if size else truth, share.labelled)


def unlabelled_images(arm: Arm, share: Share) -> UnlabelledImages:
    """The unlabelled images, in the size that the settings ask for."""
    images = decode_once(arm.dataset, arm.settings.training.cache)
    return UnlabelledImages(_resized(images, arm.settings.size), share.unlabelled)


def _resized(images: Images, size: Size | None) -> Images:
    return ResizedImages(images, size) if size else images
