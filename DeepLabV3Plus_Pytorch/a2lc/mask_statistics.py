"""One pass over the pixels of an image: what its masks are, and what the network thinks of them.

Notation of the papers: f(x) is the softmax output at pixel x, y(x) the current label, ŷ(x) = argmax f(x), m a mask,
dom(m) its most frequent ŷ, m' = {x in m : ŷ(x) = dom(m)} its core, cos the cosine between two probability vectors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_SUM_TOLERANCE = 1e-2


@dataclass(frozen=True)
class MaskStatistics:
    """Parallel NumPy arrays, one entry per mask present in an image, in ascending order of mask id.

    Attributes:
        mask_id: (M,) int64.
        pixels: (M,) int64, size in pixels.
        label: (M,) int64, majority current label (void counts as a label; ties: smallest index).
        predicted: (M,) int64, dominant predicted class (ties: smallest index).
        representative: (M, 2) int64, row and column of the pixel of the core most similar to the core's mean
            (ALC eq. 4-6; ties: first in row-major order).
        mean_probability: (M, C) float32, mean of f over all pixels of the mask.
    """

    mask_id: NDArray[np.int64]
    pixels: NDArray[np.int64]
    label: NDArray[np.int64]
    predicted: NDArray[np.int64]
    representative: NDArray[np.int64]
    mean_probability: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.mask_id)


@dataclass(frozen=True)
class MaskPixels:
    """The N pixels of one image that lie under its M masks, in row-major order, on one device.

    Attributes:
        probabilities: (C, N) float32, f(x).
        labels: (N,) int64, y(x), void included.
        labels_or_predicted: (N,) int64, y(x) with void replaced by ŷ(x).
        predicted: (N,) int64, ŷ(x).
        mask: (N,) int64, index 0..M-1 of the pixel's mask.
        position: (N,) int64, row-major position in the image.
        mask_id: (M,) int64, ids in ascending order.
    """

    probabilities: Tensor
    labels: Tensor
    labels_or_predicted: Tensor
    predicted: Tensor
    mask: Tensor
    position: Tensor
    mask_id: Tensor

    def sum(self, values: Tensor) -> Tensor:
        """Sum (N,) values per mask: (M,) float64."""
        return torch.bincount(self.mask, weights=values.double(), minlength=len(self.mask_id))

    def mean(self, values: Tensor) -> Tensor:
        """Mean of (N,) values per mask: (M,) float64."""
        return self.sum(values) / torch.bincount(self.mask, minlength=len(self.mask_id))

    def label_probability(self) -> Tensor:
        """f_{y(x)}(x): (N,) float32, the probability of the current label (of ŷ where the label is void)."""
        return self.probabilities.gather(0, self.labels_or_predicted[None])[0]

    def similarity(self, reference: Tensor) -> Tensor:
        """cos(reference of the pixel's mask, f(x)): (N,) float32, for references (M, C)."""
        dot = torch.zeros_like(self.probabilities[0])
        for channel, row in zip(self.probabilities, reference.float().T, strict=True):
            dot += channel * row[self.mask]
        norms = self.probabilities.square().sum(0).sqrt() * reference.float().norm(dim=1)[self.mask]
        return dot / norms


@dataclass(frozen=True)
class MaskSummary:
    """Per-mask tensors on the device, from which statistics and scores are read.

    Attributes:
        pixels: (M,) int64.
        predicted: (M,) int64, dom(m).
        mean: (M, C) float64, mean of f over m.
        core_similarity: (N,) float32, cos(f(m'), f(x)).
        representative: (M,) int64, index into the N pixels.
    """

    pixels: Tensor
    predicted: Tensor
    mean: Tensor
    core_similarity: Tensor
    representative: Tensor


def gather_pixels(probabilities: Any, labels: Any, masks: Any, void: int = 255) -> MaskPixels:
    """Collect the pixels under masks.

    Args:
        probabilities: (C, H, W) float32 softmax output, NumPy or torch; its device is where everything is computed.
        labels: (H, W) uint8 current labels.
        masks: (H, W) integer mask ids, 0 = no mask.
        void: Index of void.

    Raises:
        ValueError: When shapes do not fit, class probabilities do not sum to 1 within 1e-2, or a label is neither a
            class nor void.
    """
    probabilities = torch.as_tensor(probabilities, dtype=torch.float32)
    _check_shapes(probabilities, labels, masks)
    ids = _to_tensor(masks, probabilities.device).reshape(-1)
    position = torch.nonzero(ids > 0)[:, 0]
    mask_id, mask = torch.unique(ids[position], return_inverse=True)
    return pixels_at(probabilities, labels, position, mask, mask_id.long(), void)


def pixels_at(
    probabilities: Tensor, labels: Any, position: Tensor, mask: Tensor, mask_id: Tensor, void: int
) -> MaskPixels:
    """Collect pixels in groups that need not be the masks of a mask map: a pixel may be in several, or in none.

    Args:
        probabilities: (C, H, W) float32.
        labels: (H, W) uint8 current labels.
        position: (N,) int64, row-major position of each pixel.
        mask: (N,) int64, index 0..M-1 of its group.
        mask_id: (M,) int64, what the groups are called.
        void: Index of void.

    Raises:
        ValueError: As `gather_pixels`.
    """
    selected = probabilities.reshape(len(probabilities), -1)[:, position]
    current = _to_tensor(labels, probabilities.device).reshape(-1)[position].long()
    _check_values(selected, current, void)
    predicted = selected.argmax(0)
    known = torch.where(current == void, predicted, current)
    return MaskPixels(selected, current, known, predicted, mask, position, mask_id)


def _to_tensor(array: Any, device: torch.device) -> Tensor:
    """Widened to int32, because torch has almost no operations on uint16."""
    if isinstance(array, np.ndarray):
        array = torch.from_numpy(array.astype(np.int32))
    return torch.as_tensor(array).to(device, torch.int32)


def _check_shapes(probabilities: Tensor, labels: Any, masks: Any) -> None:
    if probabilities.ndim != 3:
        raise ValueError(f"probabilities must be (C, H, W), got shape {tuple(probabilities.shape)}")
    size = tuple(probabilities.shape[1:])
    if tuple(labels.shape) != size or tuple(masks.shape) != size:
        raise ValueError(
            f"probabilities are (C, H, W) = {tuple(probabilities.shape)} but labels are {tuple(labels.shape)} and "
            f"masks {tuple(masks.shape)}: the last two axes must agree"
        )


def _check_values(probabilities: Tensor, labels: Tensor, void: int) -> None:
    if not labels.numel():
        return
    error = float((probabilities.sum(0) - 1).abs().max())
    if not error <= _SUM_TOLERANCE:
        raise ValueError(
            f"class probabilities must sum to 1 at every pixel, they are off by {error:.3g}: apply softmax"
        )
    wrong = labels[(labels != void) & ((labels < 0) | (labels >= len(probabilities)))]
    if wrong.numel():
        raise ValueError(f"label {int(wrong[0])} is neither one of {len(probabilities)} classes nor void ({void})")


def summarise(pixels: MaskPixels) -> MaskSummary:
    """Compute the per-mask tensors: size, dom(m), mean of f, similarity to f(m') and representative pixel."""
    classes, masks = len(pixels.probabilities), len(pixels.mask_id)
    counts = torch.bincount(pixels.mask, minlength=masks)
    joint = torch.bincount(pixels.mask * classes + pixels.predicted, minlength=masks * classes).view(masks, classes)
    predicted = joint.argmax(1)
    in_core = pixels.predicted == predicted[pixels.mask]
    mean = _means(pixels, torch.ones_like(in_core), counts)
    core_similarity = pixels.similarity(_means(pixels, in_core, joint.amax(1)))
    representative = _first_best(pixels, core_similarity, in_core)
    return MaskSummary(counts, predicted, mean, core_similarity, representative)


def restrict(pixels: MaskPixels, summary: MaskSummary, chosen: Tensor) -> tuple[MaskPixels, MaskSummary]:
    """The same masks, cut down to the chosen pixels: (N,) bool, at least the representative pixel of every mask."""
    index = torch.cumsum(chosen, 0) - 1
    smaller = MaskPixels(
        pixels.probabilities[:, chosen],
        pixels.labels[chosen],
        pixels.labels_or_predicted[chosen],
        pixels.predicted[chosen],
        pixels.mask[chosen],
        pixels.position[chosen],
        pixels.mask_id,
    )
    return smaller, MaskSummary(
        torch.bincount(smaller.mask, minlength=len(pixels.mask_id)),
        summary.predicted,
        summary.mean,
        summary.core_similarity[chosen],
        index[summary.representative],
    )


def _means(pixels: MaskPixels, chosen: Tensor, counts: Tensor) -> Tensor:
    # class by class: one (N,) temporary instead of a (C, N) one
    sums = [pixels.sum(channel * chosen) for channel in pixels.probabilities]
    return torch.stack(sums, dim=1) / counts[:, None]


def _first_best(pixels: MaskPixels, values: Tensor, chosen: Tensor) -> Tensor:
    """Index of the largest value among the chosen pixels of each mask; ties: the first pixel."""
    masks, device = len(pixels.mask_id), values.device
    values = values.masked_fill(~chosen, -torch.inf)
    best = torch.full((masks,), -torch.inf, device=device).scatter_reduce(0, pixels.mask, values, "amax")
    order = torch.arange(len(values), device=device)
    order = order.masked_fill(values != best[pixels.mask], len(values))
    return torch.full((masks,), len(values), device=device).scatter_reduce(0, pixels.mask, order, "amin")


def to_statistics(pixels: MaskPixels, summary: MaskSummary, width: int) -> MaskStatistics:
    """Bring the statistics of an image of `width` columns to the host."""
    masks = len(pixels.mask_id)
    label_counts = torch.bincount(pixels.mask * 256 + pixels.labels, minlength=masks * 256).view(masks, 256)
    position = pixels.position[summary.representative]
    return MaskStatistics(
        mask_id=_to_host(pixels.mask_id),
        pixels=_to_host(summary.pixels),
        label=_to_host(label_counts.argmax(1)),
        predicted=_to_host(summary.predicted),
        representative=_to_host(torch.stack((position // width, position % width), dim=1)),
        mean_probability=summary.mean.float().cpu().numpy(),
    )


def _to_host(values: Tensor) -> NDArray[np.int64]:
    host: NDArray[np.int64] = values.cpu().numpy().astype(np.int64)
    return host


def mask_statistics(probabilities: Any, labels: Any, masks: Any, void: int = 255) -> MaskStatistics:
    """Statistics of every mask of an image, in one pass.

    Args:
        probabilities: (C, H, W) float32 softmax output, NumPy or torch, on any device.
        labels: (H, W) uint8 current labels, `void` = void.
        masks: (H, W) integer mask ids, 0 = no mask.
        void: Index of void.

    Raises:
        ValueError: See `gather_pixels`.
    """
    pixels = gather_pixels(probabilities, labels, masks, void)
    return to_statistics(pixels, summarise(pixels), masks.shape[1])
