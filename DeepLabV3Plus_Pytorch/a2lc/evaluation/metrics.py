"""How well label maps agree with ground truth: the confusion matrix and the segmentation metrics read off it."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

IndexMap = NDArray[np.integer] | Tensor


@dataclass(frozen=True)
class SegmentationMetrics:
    """The metrics of one comparison, all fractions in [0, 1]; higher is better.

    A metric is nan where nothing could be compared (no pixel with ground truth).

    Attributes:
        mean_iou: Mean IoU over the classes that occur in the truth or the prediction; the papers' number.
        mean_iou_present: Mean IoU over the classes that occur in the truth.
        mean_iou_strict: As `mean_iou`, but pixels predicted void count as wrong instead of not at all.
        accuracy: Share of the compared pixels whose class is right.
        mean_class_accuracy: Mean recall over the classes.
        frequency_weighted_accuracy: IoU weighted by the classes' share of the truth ("FreqW Acc" in the literature).
        class_iou: (C,) IoU per class, None for a class that occurs nowhere.
        pixels: Pixels with ground truth, `unlabelled` included.
        unlabelled: Pixels with ground truth but a void prediction; they count in no IoU and no accuracy.
    """

    mean_iou: float
    mean_iou_present: float
    mean_iou_strict: float
    accuracy: float
    mean_class_accuracy: float
    frequency_weighted_accuracy: float
    class_iou: tuple[float | None, ...]
    pixels: int
    unlabelled: int

    def to_dict(self) -> dict[str, Any]:
        """The fields by name, ready for JSON: None in place of nan."""
        return {name: None if _is_nan(value) else value for name, value in asdict(self).items()}


class ConfusionMatrix:
    """Counts of (true class, predicted class) over any number of images.

    Pixels whose truth is outside [0, C), such as void, are ignored. Pixels whose prediction is outside [0, C) are
    left out of `counts` too, as in the metric that the papers report, but not silently: see `unlabelled`.

    Args:
        num_classes: C.
    """

    def __init__(self, num_classes: int) -> None:
        self.num_classes = num_classes
        # The last column holds what was predicted void, so that a class all of whose pixels are void stays present.
        self._table = np.zeros((num_classes, num_classes + 1), dtype=np.int64)

    @classmethod
    def from_table(cls, table: NDArray[np.integer]) -> ConfusionMatrix:
        """A matrix of pixels (C, C + 1) that were counted elsewhere: true class by prediction, void last."""
        confusion = cls(len(table))
        confusion._table += table
        return confusion

    @property
    def counts(self) -> NDArray[np.int64]:
        """(C, C) int64: pixels of true class (row) predicted as class (column)."""
        return self._table[:, :-1]

    @property
    def unlabelled(self) -> int:
        """Pixels with ground truth but a void prediction."""
        return int(self._table[:, -1].sum())

    def update(self, truth: IndexMap, predicted: IndexMap) -> None:
        """Count the pixels of one or more images.

        Args:
            truth: Class indices of any integer type, numpy or torch on any device, any shape such as (H, W).
            predicted: Class indices, same shape.

        Raises:
            ValueError: When the shapes differ.
            TypeError: When a map does not hold integers.
        """
        if tuple(truth.shape) != tuple(predicted.shape):
            raise ValueError(f"truth is {tuple(truth.shape)} but predicted is {tuple(predicted.shape)}: expected equal")
        size = self.num_classes + 1
        device = next((values.device for values in (predicted, truth) if isinstance(values, Tensor)), "cpu")
        # a number for every pair of true and predicted class, void included
        codes = _indices(truth, self.num_classes, device) * size + _indices(predicted, self.num_classes, device)
        table = torch.bincount(codes, minlength=size * size).reshape(size, size)
        self._table += table[:-1].cpu().numpy()

    def merge(self, other: ConfusionMatrix) -> None:
        """Add the counts of another matrix to this one.

        Raises:
            ValueError: When the numbers of classes differ.
        """
        if other.num_classes != self.num_classes:
            raise ValueError(f"cannot add a matrix of {other.num_classes} classes to one of {self.num_classes}")
        self._table += other._table

    def __add__(self, other: ConfusionMatrix) -> ConfusionMatrix:
        total = ConfusionMatrix(self.num_classes)
        total.merge(self)
        total.merge(other)
        return total

    def iou(self) -> NDArray[np.float64]:
        """(C,) intersection over union per class; nan where the union is empty."""
        correct = np.diagonal(self.counts)
        return _ratio(correct, self.counts.sum(axis=0) + self.counts.sum(axis=1) - correct)

    def mean_iou(self) -> float:
        """Mean IoU over the classes whose union is not empty; the definition of the official code."""
        iou = self.iou()
        return _mean(iou, ~np.isnan(iou))

    def mean_iou_strict(self) -> float:
        """As `mean_iou`, but a pixel predicted void is a miss of its class; equal where nothing is predicted void."""
        correct = np.diagonal(self.counts)
        iou = _ratio(correct, self.counts.sum(axis=0) + self._table.sum(axis=1) - correct)
        return _mean(iou, ~np.isnan(iou))

    def mean_iou_present(self) -> float:
        """Mean IoU over the classes that occur in the truth, even if only where the prediction is void (IoU 0)."""
        return _mean(np.nan_to_num(self.iou()), self._table.sum(axis=1) > 0)

    def accuracy(self) -> float:
        """Share of the compared pixels whose class is right."""
        return float(_ratio(np.trace(self.counts), self.counts.sum()))

    def mean_class_accuracy(self) -> float:
        """Mean over the classes of the share of their compared pixels that is right (recall)."""
        of_class = self.counts.sum(axis=1)
        return _mean(_ratio(np.diagonal(self.counts), of_class), of_class > 0)

    def frequency_weighted_iou(self) -> float:
        """Sum over the classes of IoU times the class's share of the compared pixels."""
        share = _ratio(self.counts.sum(axis=1), self.counts.sum())
        return float((share * np.nan_to_num(self.iou())).sum())

    def to_metrics(self) -> SegmentationMetrics:
        """All metrics at once."""
        return SegmentationMetrics(
            mean_iou=self.mean_iou(),
            mean_iou_present=self.mean_iou_present(),
            mean_iou_strict=self.mean_iou_strict(),
            accuracy=self.accuracy(),
            mean_class_accuracy=self.mean_class_accuracy(),
            frequency_weighted_accuracy=self.frequency_weighted_iou(),
            class_iou=tuple(None if math.isnan(value) else value for value in self.iou().tolist()),
            pixels=int(self._table.sum()),
            unlabelled=self.unlabelled,
        )


def _indices(values: IndexMap, num_classes: int, device: torch.device | str) -> Tensor:
    """Flat class indices on `device` with everything outside [0, C) replaced by C; the smallest type that holds them.

    Label maps are 8-bit and large: staying small until the last moment is several times faster.
    """
    if isinstance(values, Tensor):
        if values.is_floating_point():
            raise TypeError(f"expected class indices, got {values.dtype}")
        indices = values.to(device=device, dtype=torch.int64).flatten()
        return indices.masked_fill((indices < 0) | (indices >= num_classes), num_classes)
    if not np.issubdtype(values.dtype, np.integer):
        raise TypeError(f"expected class indices, got {values.dtype}")
    flat = np.where(values < 0, num_classes, values) if values.dtype.kind == "i" else values
    return torch.from_numpy(np.minimum(flat, num_classes).ravel().astype(np.int32)).to(device)


def _ratio(part: ArrayLike, whole: ArrayLike) -> NDArray[np.float64]:
    """part / whole, nan where the whole is 0."""
    dividend = np.asarray(part, dtype=np.float64)
    divisor = np.asarray(whole, dtype=np.float64)
    undefined = np.full(np.broadcast_shapes(dividend.shape, divisor.shape), np.nan)
    return np.divide(dividend, divisor, out=undefined, where=divisor != 0)


def _mean(values: NDArray[np.float64], chosen: NDArray[np.bool_]) -> float:
    """The mean of the chosen ones, nan where there are none."""
    return float(values[chosen].mean()) if chosen.any() else math.nan


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)
