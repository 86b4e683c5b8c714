"""Which classes the issues are about."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import reduce
from itertools import zip_longest
from typing import Any

import numpy as np
from numpy.typing import NDArray

from a2lc.quality.issues import IssueMasks
from a2lc.quality.pixels import Classes, Images, Pixels, most_probable, open_images, to_numpy


@dataclass(frozen=True)
class ClassSwap:
    """How many issues have one given and one predicted class.

    Attributes:
        given: The class of the label.
        predicted: The most probable class.
        pixels: How many pixels.
    """

    given: int
    predicted: int
    pixels: int


def common_label_issues(
    issues: Any,
    labels: Any,
    probabilities: Any = None,
    *,
    exclude: Collection[int] = (),
    top: int | None = 20,
    void: int = 255,
) -> list[ClassSwap]:
    """Count the pairs of given and predicted class among the issues, in one read.

    Args:
        issues: (N, H, W) bool, or for pairs an iterable of (H, W) bool: what `find_label_issues` returns.
        labels: As for `find_label_issues`.
        probabilities: As for `find_label_issues`.
        exclude: Predicted classes that are not counted.
        top: How many pairs at most; None = all.
        void: Index of void: these pixels are not counted.

    Returns:
        Most pixels first; ties in the order of the given, then of the predicted class.

    Raises:
        ValueError: When issues do not fit the images, or as `find_label_issues`.
        TypeError: As `find_label_issues`.

    Example:
        >>> import numpy as np
        >>> labels = np.array([[[0, 0, 1, 1]]])
        >>> box = np.array([[[0.1, 0.9, 0.9, 0.8]]])
        >>> probabilities = np.stack([1 - box, box], axis=1)
        >>> issues = np.array([[[False, True, False, False]]])
        >>> common_label_issues(issues, labels, probabilities)
        [ClassSwap(given=0, predicted=1, pixels=1)]
    """
    images = open_images(labels, probabilities, void)
    counts = reduce(np.add, (_count_swaps(flags, pixels) for flags, pixels in _together(issues, images)))
    for k in exclude:
        _check_class(k, len(counts))
        counts[:, k] = 0
    swaps = [ClassSwap(int(y), int(k), int(counts[y, k])) for y, k in np.argwhere(counts)]
    return sorted(swaps, key=lambda swap: -swap.pixels)[:top]


def issues_by_class(
    class_index: int, issues: Any, labels: Any, probabilities: Any = None, *, void: int = 255
) -> NDArray[np.bool_] | IssueMasks:
    """Keep the issues in which a class is the given or the predicted one.

    Args:
        class_index: Which class.
        issues: As for `common_label_issues`; iterated once per iteration of the result.
        labels: As for `find_label_issues`.
        probabilities: As for `find_label_issues`.
        void: Index of void: these pixels are no issues.

    Returns:
        For arrays (N, H, W) bool; for pairs an `IssueMasks`, which does all the work when it is iterated.

    Raises:
        ValueError: When issues do not fit the images, or as `find_label_issues`.
        TypeError: As `find_label_issues`.

    Example:
        >>> import numpy as np
        >>> labels = np.array([[[0, 0, 1, 1]]])
        >>> box = np.array([[[0.1, 0.9, 0.9, 0.8]]])
        >>> probabilities = np.stack([1 - box, box], axis=1)
        >>> issues = np.array([[[False, True, False, False]]])
        >>> issues_by_class(1, issues, labels, probabilities).tolist()
        [[[False, True, False, False]]]
    """
    images = open_images(labels, probabilities, void)
    kept = IssueMasks(lambda: (_of_class(class_index, *pair) for pair in _together(issues, images)))
    if not images.arrays:
        return kept
    result = np.empty(tuple(labels.shape), dtype=np.bool_)
    for image, mask in zip(result, kept, strict=True):
        image[:] = mask
    return result


def _together(issues: Any, images: Images) -> Iterator[tuple[NDArray[np.bool_], Pixels]]:
    """Of each image the issues, (H·W,) bool and False where void, and the pixels."""
    for index, (mask, pixels) in enumerate(zip_longest(issues, images)):
        if mask is None or pixels is None:
            raise ValueError(f"there are {'fewer' if mask is None else 'more'} masks of issues than images: {index}")
        flags = to_numpy(mask)
        if flags.shape != pixels.layout.size or flags.dtype != np.bool_:
            raise ValueError(
                f"the issues of image {index} must be {pixels.layout.size} bool, not {flags.shape} {flags.dtype}"
            )
        valid = pixels.layout.valid
        yield flags.reshape(-1) if valid is None else flags.reshape(-1) & valid, pixels


def _classes(flags: NDArray[np.bool_], pixels: Pixels) -> tuple[Classes, Classes]:
    """Given and predicted class of each pixel that is flagged, in row-major order."""
    predicted, _ = most_probable(pixels.probabilities.take(np.flatnonzero(flags), axis=1))
    return pixels.labels[pixels.layout.select(flags)], predicted


def _count_swaps(flags: NDArray[np.bool_], pixels: Pixels) -> NDArray[np.int64]:
    """(C, C) flagged pixels per given and predicted class."""
    given, predicted = _classes(flags, pixels)
    classes = len(pixels.probabilities)
    return np.bincount(given.astype(np.intp) * classes + predicted, minlength=classes**2).reshape(classes, classes)


def _of_class(class_index: int, flags: NDArray[np.bool_], pixels: Pixels) -> NDArray[np.bool_]:
    """Those of the flagged pixels (H·W,) that are given or predicted as the class: (H, W)."""
    _check_class(class_index, len(pixels.probabilities))
    given, predicted = _classes(flags, pixels)
    kept = np.zeros_like(flags)
    kept[flags] = (given == class_index) | (predicted == class_index)
    return kept.reshape(pixels.layout.size)


def _check_class(index: int, classes: int) -> None:
    if not 0 <= index < classes:
        raise ValueError(f"{index} is not one of {classes} classes (from 0)")
