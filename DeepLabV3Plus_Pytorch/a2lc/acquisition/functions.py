"""Acquisition functions: which masks are most worth a click. A higher score is asked first, whatever the function.

Every function takes the pixels E of the masks of one image (the whole masks m, or what an answer would be expanded to)
and returns one float64 score per mask. f(x) is the softmax output, y(x) the current label, void labels replaced by the
prediction; c(x) = 1 - f_{y(x)}(x) is the error score of a pixel (CIL, ALC eq. 8), x_m ALC's representative pixel.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from a2lc.mask_statistics import MaskPixels, MaskSummary

_TEMPERATURE = 0.1  # of SoftMin, in the units of a probability (Lad & Mueller 2023)


@dataclass(frozen=True)
class AcquisitionContext:
    """What an acquisition may use beside the pixels of the masks.

    Attributes:
        class_weights: (C,) float64 tensor, w of ABC; ones where classes count alike.
        probabilities: (C, H, W) float32, f of the whole image.
        labels: (H, W) labels of the whole image, NumPy or torch, void included.
        void: Index of void.
        generator: Source of random scores, None unless the acquisition is random.
    """

    class_weights: Tensor
    probabilities: Tensor
    labels: Any
    void: int
    generator: np.random.Generator | None = None

    def known_labels(self) -> Tensor:
        """y of the whole image (H, W) int64 on the device, void replaced by the predicted class."""
        labels = self.labels.astype(np.int64) if isinstance(self.labels, np.ndarray) else self.labels
        labels = torch.as_tensor(labels).to(self.probabilities.device).long()
        return torch.where(labels == self.void, self.probabilities.argmax(0), labels)


class Acquisition(Protocol):
    """An acquisition function."""

    def __call__(self, pixels: MaskPixels, summary: MaskSummary, context: AcquisitionContext) -> Tensor:
        """Score the masks of one image: (M,) float64, higher = ask first."""
        ...


def adaptive_balanced(pixels: MaskPixels, summary: MaskSummary, context: AcquisitionContext) -> Tensor:
    """ABC: sum over x in E of cos(f(x), f(m')) * w_{y(x)} * c(x); higher = worse label, rarer class, larger mask.

    Source: A²LC, acquisition with class-balanced weights; w from `adaptive_class_weights`.
    """
    weight = pixels.per_label(context.class_weights)
    return pixels.sum(summary.core_similarity * weight * (1 - pixels.label_probability()))


def similarity_weighted(pixels: MaskPixels, summary: MaskSummary, context: AcquisitionContext) -> Tensor:
    """SIM: sum over x in E of cos(f(x_m), f(x)) * c(x); higher = worse label, larger mask.

    Source: ALC eq. 9, summed over the pixels that an answer is expanded to, as its code does.
    """
    reference = pixels.vectors(summary.representative)
    return pixels.sum(pixels.similarity(reference) * (1 - pixels.label_probability()))


def label_confidence(pixels: MaskPixels, summary: MaskSummary, context: AcquisitionContext) -> Tensor:
    """CIL: c(x_m), in [0, 1]; higher = worse label.

    Source: ALC eq. 8, at the representative pixel.
    """
    return (1 - pixels.label_probability()[summary.representative]).double()


def mean_label_confidence(pixels: MaskPixels, summary: MaskSummary, context: AcquisitionContext) -> Tensor:
    """LCIL: mean over x in E of c(x), in [0, 1]; higher = worse label.

    Source: ALC eq. 10, divided by |E| as its code does.
    """
    return pixels.mean(1 - pixels.label_probability())


def soft_minimum(pixels: MaskPixels, summary: MaskSummary, context: AcquisitionContext) -> Tensor:
    """SoftMin: 1 - sum over x in E of s_x v_x, with s_x = f_{y(x)}(x) and v = softmax over E of (1 - s) / 0.1.

    Close to c of the worst pixels, in [0, 1]; higher = worse label.
    Source: Lad & Mueller 2023, their score of an image taken over a mask and turned round; ALC's baseline.
    """
    own = pixels.label_probability().double()
    # largest exponent (1 - s) / T = 10 with T = 0.1: no overflow, no need to shift
    weight = torch.exp((1 - own) / _TEMPERATURE)
    return 1 - pixels.sum(own * weight) / pixels.sum(weight)


def mean_entropy(pixels: MaskPixels, summary: MaskSummary, context: AcquisitionContext) -> Tensor:
    """Entropy: mean over x in E of -sum_k f_k(x) ln f_k(x), in nats; higher = less certain network.

    Source: uncertainty sampling (Shannon entropy); it does not look at the current label.
    """
    return pixels.mean(-torch.special.xlogy(pixels.probabilities, pixels.probabilities).sum(0))


def mean_margin(pixels: MaskPixels, summary: MaskSummary, context: AcquisitionContext) -> Tensor:
    """Margin: mean over x in E of 1 - (f_(1)(x) - f_(2)(x)), best and second best class; higher = less certain network.

    Source: margin sampling, turned round so that higher is asked first; it does not look at the current label.
    """
    best, second = pixels.probabilities.topk(2, dim=0).values
    return pixels.mean(1 - (best - second))


def area(pixels: MaskPixels, summary: MaskSummary, context: AcquisitionContext) -> Tensor:
    """Area: the number of pixels; the baseline that knows nothing of the network."""
    return summary.pixels.double()


def uniform_random(pixels: MaskPixels, summary: MaskSummary, context: AcquisitionContext) -> Tensor:
    """Random: uniform scores in [0, 1), drawn from the context's generator in order of mask id.

    Raises:
        ValueError: When the context has no generator.
    """
    if context.generator is None:
        raise ValueError("the acquisition 'random' needs a generator")
    return torch.from_numpy(context.generator.random(len(pixels.mask_id)))
