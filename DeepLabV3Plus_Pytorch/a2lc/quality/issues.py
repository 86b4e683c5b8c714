"""Pixels whose label is probably wrong: confident learning, pixel by pixel.

Source: Lad and Müller (2023), estimating label quality and errors in semantic segmentation data via any model; the
arithmetic is that of cleanlab 2.9. Notation: y(x) is the given label of pixel x, p_k(x) the probability of class k,
ŷ(x) = argmax p(x), s(x) = p_{y(x)}(x) the self-confidence, t_k the mean of p_k over the pixels with label k.
n = #{x : ŷ(x) ≠ y(x) and p_{ŷ(x)}(x) ≥ t_{ŷ(x)}} estimates how many labels are wrong; of the n pixels of lowest s over
all images, those with ŷ ≠ y are the issues.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from a2lc.foundation.parallel import check_parallel
from a2lc.quality.pixels import Classes, Floats, Images, Layout, Pixels, Rereadable, open_images
from a2lc.quality.selection import LeadingHistogram, nth_smallest

_TOLERANCE = 1e-6  # by which a probability may miss the mean of its class
_LOWEST_MEAN = 2e-6


class IssueMasks(Rereadable[NDArray[np.bool_]]):
    """The issues of a stream, (H, W) bool per image, found anew from its predictions whenever they are iterated."""


@dataclass(frozen=True)
class PixelScores:
    """What finding issues needs to know of an image, for its V pixels that count.

    Attributes:
        classes: C.
        layout: Where the pixels are.
        labels: (V,) y(x).
        predicted: (V,) ŷ(x), ties: the smallest index.
        highest: (V,) p_{ŷ(x)}(x).
        confidence: (V,) s(x).
    """

    classes: int
    layout: Layout
    labels: Classes
    predicted: Classes
    highest: Floats
    confidence: Floats

    def __post_init__(self) -> None:
        """Refuse arrays that are not parallel."""
        check_parallel(self, "labels", "predicted", "highest", "confidence")


@dataclass
class ClassMeans:
    """t_k: the running mean of the self-confidence per given class.

    The mean of an image is taken in the type of the probabilities and added to the mean of those before, in float64,
    because a pixel that has just its class's mean must fall on the same side as in cleanlab.

    Attributes:
        classes: C.
        mean: (C,) float64; 2e-6 for a class without pixels, and at least that for every other.
        pixels: (C,) float64, pixels with each given label.
    """

    classes: int
    mean: NDArray[np.float64] = field(init=False)
    pixels: NDArray[np.float64] = field(init=False)

    def __post_init__(self) -> None:
        self.mean = np.full(self.classes, _LOWEST_MEAN)
        self.pixels = np.zeros(self.classes)

    def add(self, labels: Classes, confidence: Floats) -> None:
        """Take in an image: (V,) labels and self-confidences."""
        counts = np.bincount(labels, minlength=self.classes)  # (C,)
        ordered = confidence[np.argsort(labels, kind="stable")]  # (V,) class by class, in the order of the pixels
        present = np.flatnonzero(counts)
        means = np.zeros(self.classes)
        ends = np.cumsum(counts)  # (C,) where each class ends in `ordered`
        for k in present:
            means[k] = max(float(ordered[ends[k] - counts[k] : ends[k]].mean()), _LOWEST_MEAN)
        total = self.pixels + counts
        self.mean = np.maximum((self.pixels * self.mean + counts * means) / np.maximum(total, 1), _LOWEST_MEAN)
        self.pixels = total


def find_label_issues(labels: Any, probabilities: Any = None, *, void: int = 255) -> NDArray[np.bool_] | IssueMasks:
    """Find the pixels whose label is probably wrong.

    The count of issues is estimated over all images together, so a stream is read three times (float64: five times)
    before this returns, and once more whenever the result is iterated. With arrays, one pass keeps 10 bytes per pixel.
    Where several pixels tie with the n-th lowest self-confidence, all of them are taken.

    Args:
        labels: (N, H, W) integer, or an iterable of (labels (H, W), probabilities (C, H, W)) pairs, see `a2lc.quality`.
        probabilities: (N, C, H, W) out-of-sample, NumPy or torch; None where `labels` are pairs.
        void: Index of void: these pixels count nowhere and are no issues.

    Returns:
        For arrays (N, H, W) bool; for pairs an `IssueMasks`.

    Raises:
        ValueError: When there is no image, shapes or numbers of classes do not fit, class probabilities do not sum to 1
            within 1e-2, or a label is neither a class nor void.
        TypeError: When labels are not integers, or the pairs can be read only once.

    Example:
        >>> import numpy as np
        >>> labels = np.array([[[0, 0, 1, 1]]])
        >>> box = np.array([[[0.1, 0.9, 0.9, 0.8]]])
        >>> probabilities = np.stack([1 - box, box], axis=1)
        >>> find_label_issues(labels, probabilities).tolist()
        [[[False, True, False, False]]]
        >>> [issues.tolist() for issues in find_label_issues(list(zip(labels, probabilities)))]
        [[[False, True, False, False]]]
    """
    images = open_images(labels, probabilities, void)
    found = find_issues(images)
    if not images.arrays:
        return IssueMasks(lambda: (layout.image(flags) for layout, flags in found))
    issues = np.empty(tuple(labels.shape), dtype=np.bool_)
    for image, (layout, flags) in zip(issues, found, strict=True):
        image[:] = layout.image(flags)
    return issues


@dataclass(frozen=True)
class FoundIssues:
    """The issues of every image, found when iterated: its layout and (V,) bool.

    Attributes:
        scores: The images, in memory or read anew.
        cut: The self-confidence up to which a pixel may be an issue.
    """

    scores: Iterable[PixelScores]
    cut: float

    def __iter__(self) -> Iterator[tuple[Layout, NDArray[np.bool_]]]:
        for image in self.scores:
            yield image.layout, (image.predicted != image.labels) & (image.confidence <= self.cut)


def find_issues(images: Images) -> FoundIssues:
    """Find the issues of images in either form."""
    scores: Iterable[PixelScores] = Rereadable(lambda: map(_pixel_scores, images))
    if images.arrays:
        scores = list(scores)
    means, leading = _survey(scores)
    n = sum(_count_confident(image, means.mean - _TOLERANCE) for image in scores)
    confidences = Rereadable(lambda: (image.confidence for image in scores))
    return FoundIssues(scores, nth_smallest(confidences, n, leading) if n else -np.inf)


def _pixel_scores(pixels: Pixels) -> PixelScores:
    """What is kept of an image: a few numbers per pixel, in place of its C probabilities."""
    predicted, highest = pixels.predicted()
    classes = len(pixels.probabilities)
    return PixelScores(classes, pixels.layout, pixels.labels, predicted, highest, pixels.confidence)


def _survey(scores: Iterable[PixelScores]) -> tuple[ClassMeans, LeadingHistogram]:
    """One read: t_k, and the first histogram of s, which does not wait for n."""
    read = iter(scores)
    first = next(read)
    means = ClassMeans(first.classes)
    leading = LeadingHistogram(first.confidence.dtype)
    for image in chain([first], read):
        means.add(image.labels, image.confidence)
        leading.add(image.confidence)
    return means, leading


def _count_confident(image: PixelScores, limits: NDArray[np.float64]) -> int:
    """How many pixels are predicted to be another class, with at least that class's limit."""
    wrong = image.predicted != image.labels
    return int(np.count_nonzero(image.highest[wrong] >= limits[image.predicted[wrong]]))
