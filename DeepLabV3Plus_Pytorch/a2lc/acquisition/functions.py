"""Acquisition functions: which masks are most worth a click. A higher score is asked first.

Every function takes the pixels under the masks of one image and returns one float64 score per mask.
c(x) = 1 - f_{y(x)}(x) is the error score of a pixel (CIL, ALC eq. 8), void labels replaced by the prediction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from a2lc.mask_statistics import MaskPixels, MaskSummary


@dataclass(frozen=True)
class AcquisitionContext:
    """What an acquisition may use beside the image.

    Attributes:
        class_weights: (C,) float64 tensor, w of ABC; ones where classes count alike.
        generator: Source of random scores, None unless the acquisition is random.
    """

    class_weights: Tensor
    generator: np.random.Generator | None = None


class Acquisition(Protocol):
    """An acquisition function."""

    def __call__(self, pixels: MaskPixels, summary: MaskSummary, context: AcquisitionContext) -> Tensor:
        """Score the masks of one image: (M,) float64, higher = ask first."""
        ...


def adaptive_balanced(pixels: MaskPixels, summary: MaskSummary, context: AcquisitionContext) -> Tensor:
    """ABC: sum over x in m of cos(f(x), f(m')) * w_{y(x)} * c(x).

    Source: A²LC, acquisition with class-balanced weights; w from `adaptive_class_weights`.
    """
    weights = context.class_weights[pixels.labels_or_predicted]
    return pixels.sum(summary.core_similarity * weights * (1 - pixels.label_probability()))


def similarity_weighted(pixels: MaskPixels, summary: MaskSummary, context: AcquisitionContext) -> Tensor:
    """SIM: sum over x in m of cos(f(x_m), f(x)) * c(x), x_m the representative pixel.

    Source: ALC eq. 9, expansion threshold 0.
    """
    reference = pixels.probabilities[:, summary.representative].T
    return pixels.sum(pixels.similarity(reference) * (1 - pixels.label_probability()))


def area(pixels: MaskPixels, summary: MaskSummary, context: AcquisitionContext) -> Tensor:
    """Area: the number of pixels of the mask; the baseline that knows nothing of the network."""
    return summary.pixels.double()


def uniform_random(pixels: MaskPixels, summary: MaskSummary, context: AcquisitionContext) -> Tensor:
    """Random: uniform scores in [0, 1), drawn from the context's generator in order of mask id.

    Raises:
        ValueError: When the context has no generator.
    """
    if context.generator is None:
        raise ValueError("the acquisition 'random' needs a generator")
    return torch.from_numpy(context.generator.random(len(pixels.mask_id)))


ACQUISITIONS: dict[str, Acquisition] = {
    "abc": adaptive_balanced,
    "sim": similarity_weighted,
    "area": area,
    "posterior": area,  # the first order; a model of the answers renews it after every batch
    "random": uniform_random,
}
