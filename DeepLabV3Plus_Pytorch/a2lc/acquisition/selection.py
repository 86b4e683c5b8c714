"""Scoring the masks of an image and selecting the best over all images."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from a2lc.acquisition.functions import ACQUISITIONS, AcquisitionContext
from a2lc.acquisition.settings import nearest_acquisition
from a2lc.mask_statistics import MaskStatistics, gather_pixels, summarise, to_statistics

MaskKey = tuple[str, int]


@dataclass(frozen=True)
class MaskScores(MaskStatistics):
    """`MaskStatistics` and the score of each mask, (M,) float64, higher = ask first."""

    score: NDArray[np.float64]


def score_masks(
    probabilities: Any,
    labels: Any,
    masks: Any,
    acquisition: str = "abc",
    class_weights: Any = None,
    void: int = 255,
    generator: np.random.Generator | None = None,
) -> MaskScores:
    """Score every mask of an image, in the same pass that computes its statistics.

    Args:
        probabilities: (C, H, W) float32 softmax output, NumPy or torch, on any device.
        labels: (H, W) uint8 current labels, `void` = void.
        masks: (H, W) integer mask ids, 0 = no mask.
        acquisition: Name in the registry (`ACQUISITIONS`).
        class_weights: (C,) w of ABC; None = ones.
        void: Index of void.
        generator: For "random" only.

    Raises:
        ValueError: When the acquisition is unknown, shapes do not fit, probabilities do not sum to 1 within 1e-2, a
            label is out of range, or "random" has no generator.
    """
    if acquisition not in ACQUISITIONS:
        raise ValueError(nearest_acquisition(acquisition))
    pixels = gather_pixels(probabilities, labels, masks, void)
    summary = summarise(pixels)
    weights = np.ones(len(pixels.probabilities)) if class_weights is None else class_weights
    weights = torch.as_tensor(weights, dtype=torch.float64).to(pixels.probabilities.device)
    if weights.shape != (len(pixels.probabilities),):
        raise ValueError(f"class_weights must be ({len(pixels.probabilities)},), got {tuple(weights.shape)}")
    score = ACQUISITIONS[acquisition](pixels, summary, AcquisitionContext(weights, generator))
    statistics = to_statistics(pixels, summary, masks.shape[1])
    return MaskScores(**vars(statistics), score=score.double().cpu().numpy())


def select_masks(scores: Mapping[MaskKey, float], budget: int, exclude: Collection[MaskKey] = ()) -> list[MaskKey]:
    """The `budget` masks of highest score over all images.

    Args:
        scores: {(image id, mask id): score}.
        budget: How many to select; all that are left when there are fewer.
        exclude: Masks that must not be selected (queried before).

    Returns:
        (image id, mask id), best first; ties broken by image id, then mask id.

    Raises:
        ValueError: When a score is not finite.
    """
    wrong = next((key for key, score in scores.items() if not math.isfinite(score)), None)
    if wrong is not None:
        raise ValueError(f"mask {wrong[1]} of '{wrong[0]}' has score {scores[wrong]}: scores must be finite")
    excluded = set(exclude)
    candidates = (key for key in scores if key not in excluded)
    return sorted(candidates, key=lambda key: (-scores[key], key))[: max(budget, 0)]
