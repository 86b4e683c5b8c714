"""What a training step sees of kept features: random windows of them, with the labels below."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from a2lc.labels.base import LabelSource
from a2lc.segmentation.cached_features import CachedFeatures, FeatureView
from a2lc.segmentation.features import Features
from a2lc.segmentation.loading import check_labels
from a2lc.segmentation.sampling import Item


@dataclass(frozen=True)
class FeatureSamples:
    """Draws a view and a window of it for each item of a batch; the counterpart of `TrainingSamples`.

    A window begins where a deepest feature does, and is as large as the crop, rounded up to whole features. Where the
    image is smaller, zeros and void are added, as a convolution adds zeros at the image's edge.

    Attributes:
        cache: Where the features are kept; those of all views must be there.
        labels: Label maps (H, W) uint8 of the images' size.
        image_ids: What the indices of the items mean.
        num_classes: C; every label is below C or void.
        views: What is drawn from.
        crop: Height and width in pixels.
        void: Label of pixels that belong to no class.
        verified: Image id → (H, W) bool, the pixels whose label was verified; None = nobody asks which.
    """

    cache: CachedFeatures
    labels: LabelSource
    image_ids: Sequence[str]
    num_classes: int
    views: Sequence[FeatureView]
    crop: tuple[int, int]
    void: int
    verified: Callable[[str], NDArray[np.bool_]] | None = None

    def __call__(self, item: Item) -> tuple[Features | Tensor, ...]:
        """Return features, labels (h, w) uint8 and, where it is asked for, which are verified (h, w) bool.

        Raises:
            InputError: When one cannot be read, or the labels do not fit the image or the classes.
        """
        index, seed = item
        image_id = self.image_ids[index]
        random = np.random.default_rng(seed)
        view = self.views[int(random.integers(len(self.views)))]
        features = self.cache.view(image_id, view)
        labels = self.labels.labels(image_id)
        check_labels(image_id, self.cache.files.size(image_id), labels, self.num_classes, self.void)
        window = _draw(features.deep.shape[-2:], self.crop, self.cache.strides, random)
        seen = (window.of_features(features), window.of_map(view.map(torch.tensor(labels)), self.void))
        if self.verified is None:
            return seen
        return *seen, window.of_map(view.map(torch.tensor(self.verified(image_id))), False)


@dataclass(frozen=True)
class _Window:
    """A window in units of the deepest features.

    Attributes:
        top: First row.
        left: First column.
        rows: Height.
        columns: Width.
        strides: Pixels per low-level and per deepest feature.
    """

    top: int
    left: int
    rows: int
    columns: int
    strides: tuple[int, int]

    def of_features(self, features: Features) -> Features:
        """The window of unbatched features, in memory."""
        low, deep = self.strides
        size = torch.tensor([self.rows * deep, self.columns * deep])
        return Features(self._cut(features.low, deep // low, 0), self._cut(features.deep, 1, 0), size)

    def of_map(self, pixels: Tensor, fill: int) -> Tensor:
        """The window of a map (H, W) of pixels."""
        return self._cut(pixels, self.strides[1], fill)

    def _cut(self, array: Tensor, unit: int, fill: int) -> Tensor:
        """The window of (..., H, W), where a deepest feature spans `unit` places a side."""
        top, left, rows, columns = (unit * each for each in (self.top, self.left, self.rows, self.columns))
        part = array[..., top : top + rows, left : left + columns]
        missing = [0, columns - part.shape[-1], 0, rows - part.shape[-2]]
        return functional.pad(part, missing, value=fill) if any(missing) else part.clone()


def _draw(size: Sequence[int], crop: tuple[int, int], strides: tuple[int, int], random: np.random.Generator) -> _Window:
    """A window of the crop's size somewhere in features (height, width)."""
    rows, columns = (math.ceil(side / strides[1]) for side in crop)
    top = int(random.integers(max(0, size[0] - rows) + 1))
    left = int(random.integers(max(0, size[1] - columns) + 1))
    return _Window(top, left, rows, columns, strides)
