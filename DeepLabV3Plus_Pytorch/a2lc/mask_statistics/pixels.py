"""The pixels that lie under the masks of an image: on the CPU by compiled passes, on a GPU by torch.

Notation as in `mask_statistics`. Both kinds answer the same questions, so that nothing above knows which it has.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from a2lc.mask_statistics.kernel import SUM_TOLERANCE
from a2lc.mask_statistics.spans import Described, Spans, spans_at


class MaskPixels(ABC):
    """N pixels of one image in M groups, its masks, on one device. A pixel may be in several groups, or in none.

    Attributes:
        image: (C, H·W) float32, f of the whole image.
        mask_id: (M,) int64, ids of the masks.
        position: (N,) int64, row-major position in the image; ascending where the pixels are those of a mask map.
        mask: (N,) int64, index 0..M-1 of the pixel's mask.
        labels: (N,) int64, y(x), void included.
        labels_or_predicted: (N,) int64, y(x) with void replaced by ŷ(x).
        predicted: (N,) int64, ŷ(x).
        predicted_counts: (M, C) int64, how many pixels of a mask are predicted as a class.
        label_counts: (M, K) int64, how many have a label, void included; K = the largest label there may be + 1.
    """

    image: Tensor
    mask_id: Tensor

    if TYPE_CHECKING:  # fields of one kind and cached properties of the other

        @property
        def position(self) -> Tensor: ...
        @property
        def mask(self) -> Tensor: ...
        @property
        def labels(self) -> Tensor: ...
        @property
        def labels_or_predicted(self) -> Tensor: ...
        @property
        def predicted(self) -> Tensor: ...
        @property
        def predicted_counts(self) -> Tensor: ...
        @property
        def label_counts(self) -> Tensor: ...

    @cached_property
    def probabilities(self) -> Tensor:
        """f(x): (C, N) float32, gathered when first asked for; the other questions are answered without."""
        return self.image[:, self.position]

    def vectors(self, pixel: Tensor) -> Tensor:
        """f of single pixels: (K, C) float32 for (K,) indices among the N."""
        return self.image[:, self.position_of(pixel)].T

    def mean(self, values: Tensor) -> Tensor:
        """Mean of (N,) values per mask: (M,) float64."""
        return self.sum(values) / self.predicted_counts.sum(1)

    @abstractmethod
    def position_of(self, pixel: Tensor) -> Tensor:
        """Row-major positions of single pixels: (K,) int64 for (K,) indices among the N."""

    @abstractmethod
    def sum(self, values: Tensor) -> Tensor:
        """Sum (N,) values per mask: (M,) float64."""

    @abstractmethod
    def label_probability(self) -> Tensor:
        """f_{y(x)}(x): (N,) float32, the probability of the current label (of ŷ where the label is void)."""

    @abstractmethod
    def per_label(self, values: Tensor) -> Tensor:
        """The value of every pixel's label, of ŷ where that is void: (N,) float32 for (C,) values."""

    @abstractmethod
    def probability_sums(self, dominant: Tensor) -> tuple[Tensor, Tensor]:
        """Sums of f over m, and over the pixels predicted as dominant (M,): both (M, C) float64."""

    @abstractmethod
    def similarity(self, reference: Tensor) -> Tensor:
        """cos(reference of the pixel's mask, f(x)): (N,) float32, for references (M, C)."""

    @abstractmethod
    def first_best(self, values: Tensor, dominant: Tensor) -> Tensor:
        """Index of the largest of (N,) float32 values among each mask's pixels predicted as dominant (M,).

        Returns:
            (M,) int64; ties: the first pixel.
        """

    @abstractmethod
    def where(self, chosen: Tensor) -> MaskPixels:
        """The same masks, cut down to the chosen pixels: (N,) bool."""


@dataclass(frozen=True)
class KernelPixels(MaskPixels):
    """Pixels on the CPU, as spans of neighbours; what one pass over the image tells of each is kept in small arrays."""

    image: Tensor
    mask_id: Tensor
    spans: Spans
    described: Described
    void: int

    @cached_property
    def position(self) -> Tensor:
        return torch.from_numpy(self.spans.positions())

    @cached_property
    def mask(self) -> Tensor:
        return torch.from_numpy(np.repeat(self.spans.mask, np.diff(self.spans.index)))

    @cached_property
    def labels(self) -> Tensor:
        return torch.from_numpy(self.described.labels).long()

    @cached_property
    def labels_or_predicted(self) -> Tensor:
        return torch.from_numpy(self.described.known).long()

    @cached_property
    def predicted(self) -> Tensor:
        return torch.from_numpy(self.described.predicted).long()

    @cached_property
    def predicted_counts(self) -> Tensor:
        return torch.from_numpy(self.spans.count(self.described.predicted, len(self.image)))

    @cached_property
    def label_counts(self) -> Tensor:
        return torch.from_numpy(self.spans.count(self.described.labels, max(len(self.image), self.void + 1)))

    def position_of(self, pixel: Tensor) -> Tensor:
        return torch.from_numpy(self.spans.position_of(pixel.numpy()))

    def sum(self, values: Tensor) -> Tensor:
        values = values if values.dtype in (torch.float32, torch.float64) else values.double()
        return torch.from_numpy(self.spans.sum(values.contiguous().numpy()))

    def label_probability(self) -> Tensor:
        return torch.from_numpy(self.described.own)

    def per_label(self, values: Tensor) -> Tensor:
        return torch.from_numpy(self.spans.look_up(values.float().contiguous().numpy(), self.described.known))

    def probability_sums(self, dominant: Tensor) -> tuple[Tensor, Tensor]:
        sums = self.spans.sum_probabilities(self.image.numpy(), self.described.predicted, dominant.numpy())
        whole, core = torch.from_numpy(sums)
        return whole.T, core.T

    def similarity(self, reference: Tensor) -> Tensor:
        unit = _unit(reference).T.contiguous().numpy()
        return torch.from_numpy(self.spans.similarity(self.image.numpy(), unit, self.described.norm))

    def first_best(self, values: Tensor, dominant: Tensor) -> Tensor:
        return torch.from_numpy(self.spans.first_best(values.numpy(), self.described.predicted, dominant.numpy()))

    def where(self, chosen: Tensor) -> KernelPixels:
        keep = chosen.numpy()
        spans = spans_at(self.position.numpy()[keep], self.mask.numpy()[keep], self.spans.masks)
        of_pixels = ("labels", "predicted", "known", "own", "norm")
        described = replace(self.described, **{name: getattr(self.described, name)[keep] for name in of_pixels})
        return replace(self, spans=spans, described=described)


@dataclass(frozen=True)
class TorchPixels(MaskPixels):
    """Pixels on any device, one entry each, with torch's scatter operations."""

    image: Tensor
    mask_id: Tensor
    position: Tensor
    mask: Tensor
    labels: Tensor
    labels_or_predicted: Tensor
    predicted: Tensor
    void: int

    @cached_property
    def predicted_counts(self) -> Tensor:
        return self._counts(self.predicted, len(self.image))

    @cached_property
    def label_counts(self) -> Tensor:
        return self._counts(self.labels, max(len(self.image), self.void + 1))

    def _counts(self, values: Tensor, size: int) -> Tensor:
        """(M, size) how often a mask has each of the values (N,) 0..size-1."""
        masks = len(self.mask_id)
        return torch.bincount(self.mask * size + values, minlength=masks * size).view(masks, size)

    def position_of(self, pixel: Tensor) -> Tensor:
        return self.position[pixel]

    def sum(self, values: Tensor) -> Tensor:
        sums = torch.bincount(self.mask, weights=values.double(), minlength=len(self.mask_id))
        return sums.double()  # of no pixels it makes float32

    def label_probability(self) -> Tensor:
        return self.image[self.labels_or_predicted, self.position]

    def per_label(self, values: Tensor) -> Tensor:
        return values.float()[self.labels_or_predicted]

    def probability_sums(self, dominant: Tensor) -> tuple[Tensor, Tensor]:
        core = self.predicted == dominant[self.mask]
        # class by class: one (N,) temporary instead of a (C, N) one
        sums = [(self.sum(channel), self.sum(channel * core)) for channel in self.probabilities]
        whole, of_core = zip(*sums, strict=True)
        return torch.stack(whole, dim=1), torch.stack(of_core, dim=1)

    def similarity(self, reference: Tensor) -> Tensor:
        dot = torch.zeros_like(self.probabilities[0])  # (N,); class by class, to make no (C, N) temporary
        for channel, row in zip(self.probabilities, _unit(reference).T, strict=True):
            dot += channel * row[self.mask]
        return dot / self._norm

    @cached_property
    def _norm(self) -> Tensor:
        """|f(x)|: (N,)."""
        return torch.linalg.vector_norm(self.probabilities, dim=0)

    def first_best(self, values: Tensor, dominant: Tensor) -> Tensor:
        values = values.masked_fill(self.predicted != dominant[self.mask], -torch.inf)
        masks = len(self.mask_id)
        size = len(values)
        device = values.device
        best = torch.full((masks,), -torch.inf, device=device).scatter_reduce(0, self.mask, values, "amax")
        # of the pixels that have the best value, the one that comes first
        order = torch.arange(size, device=device).masked_fill(values != best[self.mask], size)
        return torch.full((masks,), size, device=device).scatter_reduce(0, self.mask, order, "amin")

    def where(self, chosen: Tensor) -> TorchPixels:
        of_pixels = ("position", "mask", "labels", "labels_or_predicted", "predicted")
        return replace(self, **{name: getattr(self, name)[chosen] for name in of_pixels})


def kernel_pixels(image: Tensor, labels: Tensor, spans: Spans, mask_id: Tensor, void: int) -> KernelPixels:
    """Look at the pixels of spans of an image on the CPU.

    Args:
        image: (C, H·W) float32, contiguous.
        labels: (H·W,) current labels of the whole image.
        spans: Where the pixels are.
        mask_id: (M,) int64.
        void: Index of void.

    Raises:
        ValueError: When class probabilities do not sum to 1 within 1e-2, or a label is neither a class nor void.
    """
    given = labels if labels.dtype == torch.uint8 else labels.int()  # few types: every one is compiled for
    described = spans.describe(image.numpy(), given.numpy(), void)
    if described.faults:
        position = torch.from_numpy(spans.positions())
        _check_values(image[:, position], labels[position], void)
    return KernelPixels(image, mask_id, spans, described, void)


def torch_pixels(
    image: Tensor, labels: Tensor, position: Tensor, mask: Tensor, mask_id: Tensor, void: int
) -> TorchPixels:
    """Look at the pixels at some positions of an image, on its device.

    Args:
        image: (C, H·W) float32.
        labels: (H·W,) current labels of the whole image.
        position: (N,) int64, row-major position of each pixel.
        mask: (N,) int64, index 0..M-1 of its mask.
        mask_id: (M,) int64.
        void: Index of void.

    Raises:
        ValueError: As `kernel_pixels`.
    """
    selected = image[:, position]  # (C, N)
    current = labels[position].long()  # (N,)
    _check_values(selected, current, void)
    predicted = selected.argmax(0)
    known = torch.where(current == void, predicted, current)
    pixels = TorchPixels(image, mask_id, position, mask, current, known, predicted, void)
    vars(pixels)["probabilities"] = selected  # the cached property: gathered once
    return pixels


def _unit(reference: Tensor) -> Tensor:
    """References (M, C) at length 1, float32."""
    return torch.nn.functional.normalize(reference.double(), dim=1).float()


def _check_values(probabilities: Tensor, labels: Tensor, void: int) -> None:
    """Refuse pixels with probabilities (C, N) that do not sum to 1, or labels (N,) that are no class and not void."""
    if not labels.numel():
        return
    error = float((probabilities.sum(0) - 1).abs().max())
    if not error <= SUM_TOLERANCE:
        raise ValueError(
            f"class probabilities must sum to 1 at every pixel, they are off by {error:.3g}: apply softmax"
        )
    wrong = labels[(labels != void) & ((labels < 0) | (labels >= len(probabilities)))]
    if wrong.numel():
        raise ValueError(f"label {int(wrong[0])} is neither one of {len(probabilities)} classes nor void ({void})")
