"""Validation of a pseudo-label set before anything is trained on it: every problem at once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from a2lc.classes import ClassSet
from a2lc.formats import LabelSet
from a2lc.foundation.bars import bar
from a2lc.foundation.errors import InputError, refuse

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SetSummary:
    """What a valid pseudo-label set holds.

    Attributes:
        images: How many images.
        masks: Their masks.
        images_without_masks: Images that have none.
        void_masks: Masks without a labelled pixel.
        void_images: Images without a labelled pixel, under masks and beside them.
    """

    images: int
    masks: int
    images_without_masks: int
    void_masks: int
    void_images: int = 0

    @property
    def has_labels(self) -> bool:
        """Whether any pixel has a label."""
        return self.void_images < self.images


@dataclass(frozen=True)
class _Checked:
    problems: tuple[str, ...]
    masks: int = 0
    void_masks: int = 0
    is_void: bool = False


def check_pseudo_labels(
    pseudo_labels: LabelSet,
    image_ids: Sequence[str],
    classes: ClassSet,
    image_size: Callable[[str], tuple[int, int]] | None = None,
) -> SetSummary:
    """Read every label and mask map once and refuse the set when anything is wrong with it.

    An image without masks, a mask that is void everywhere and more than 255 masks are fine: they are counted.

    Args:
        pseudo_labels: The set.
        image_ids: The images that must be in it.
        classes: The classes it must be made for.
        image_size: Tells (height, width) of an image, to compare; None compares labels with masks only.

    Raises:
        InputError: Lists every problem.

    Example:
        >>> check_pseudo_labels(open_pseudo_labels(folder), dataset.ids("train"), dataset.classes, dataset.size).masks
        852
    """
    problems = _class_problems(pseudo_labels, classes)

    def check(image_id: str) -> _Checked:
        return _check_image(pseudo_labels, image_id, classes, image_size)

    with ThreadPoolExecutor(4) as pool:
        checked = list(bar(pool.map(check, image_ids), "checking labels", len(image_ids)))
    problems += [problem for entry in checked for problem in entry.problems]
    refuse(f"the pseudo-label set {pseudo_labels.root} cannot be used", problems)
    summary = SetSummary(
        len(checked),
        sum(entry.masks for entry in checked),
        sum(entry.masks == 0 for entry in checked),
        sum(entry.void_masks for entry in checked),
        sum(entry.is_void for entry in checked),
    )
    _log.info(
        "pseudo-labels: %d images, %d masks (%d images without masks, %d masks void)",
        summary.images, summary.masks, summary.images_without_masks, summary.void_masks,
    )  # fmt: skip
    return summary


def _class_problems(pseudo_labels: LabelSet, classes: ClassSet) -> list[str]:
    """Whether the set names other classes, or another void, than those it must be made for."""
    own = pseudo_labels.classes
    if own is None:
        return []
    problems = []
    if own.names != classes.names:
        problems.append(
            f"it was made for the classes {', '.join(own.names)} but the data set has "
            f"{', '.join(classes.names)}: use the classes.yaml it was made with, or make it again"
        )
    if own.void != classes.void:
        problems.append(f"its void index is {own.void} but the data set's is {classes.void}")
    return problems


def _check_image(
    pseudo_labels: LabelSet, image_id: str, classes: ClassSet, image_size: Callable[[str], tuple[int, int]] | None
) -> _Checked:
    """Read the maps of one image and compare them with each other, with the image, and with the classes."""
    try:
        labels = pseudo_labels.labels(image_id)
        masks = pseudo_labels.masks(image_id)
        size = labels.shape if image_size is None else image_size(image_id)
    except InputError as error:
        return _Checked((str(error),))
    if masks is None:
        masks = np.zeros(labels.shape, dtype=np.int32)
    if labels.shape != masks.shape or labels.shape != size:
        return _Checked(
            (
                f"'{image_id}': its image is {_size(size)}, its label map {_size(labels.shape)} and its mask map "
                f"{_size(masks.shape)}: make its masks again or resize them with nearest",
            )
        )
    used = np.flatnonzero(np.bincount(labels.ravel(), minlength=256))
    outside = [int(label) for label in used if label >= len(classes) and label != classes.void]
    if outside:
        listed = ", ".join(map(str, outside[:10]))
        return _Checked(
            (
                f"{pseudo_labels.label_path(image_id)} has class index {listed}, outside the {len(classes)} classes "
                f"(0 to {len(classes) - 1}, void {classes.void}): choose the class list that it was made with",
            )
        )
    if masks.min(initial=0) < 0:
        return _Checked((f"'{image_id}' has a negative mask id: ids count from 1, 0 = no mask",))
    return _count_masks(labels, masks, classes.void)


def _count_masks(labels: NDArray[np.uint8], masks: NDArray[np.int32], void: int) -> _Checked:
    """How many masks there are, and how many of them have no labelled pixel."""
    present = np.bincount(masks.ravel()) > 0  # by mask id
    labelled = np.bincount(masks[labels != void], minlength=len(present)) > 0  # by mask id, 0 = beside all masks
    return _Checked((), int(present[1:].sum()), int((present & ~labelled)[1:].sum()), not labelled.any())


def _size(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))
