"""Scoring what may be asked about in an image: the masks of the papers' pool, or the candidates of another."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from a2lc.acquisition.candidates import Candidates, MaskScores
from a2lc.acquisition.expansion import expand, expansions
from a2lc.acquisition.functions import AcquisitionContext
from a2lc.acquisition.pools import POOLS
from a2lc.acquisition.registry import ACQUISITIONS
from a2lc.acquisition.settings import AcquisitionSettings
from a2lc.mask_statistics import gather_pixels, to_statistics


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

    Example:
        >>> probabilities = np.full((2, 2, 3), 0.5, dtype=np.float32)
        >>> labels, masks = np.zeros((2, 3), dtype=np.uint8), np.array([[7, 7, 0], [0, 9, 0]])
        >>> found = score_masks(probabilities, labels, masks, acquisition="lcil")
        >>> found.mask_id.tolist(), found.pixels.tolist(), found.score.tolist()
        ([7, 9], [2, 1], [0.5, 0.5])
    """
    ACQUISITIONS[acquisition]  # an unknown name is told here, in one sentence
    settings = AcquisitionSettings(name=acquisition)
    return score_candidates(probabilities, labels, masks, settings, class_weights, void, generator).scores


def score_candidates(
    probabilities: Any,
    labels: Any,
    masks: Any,
    settings: AcquisitionSettings,
    class_weights: Any = None,
    void: int = 255,
    generator: np.random.Generator | None = None,
    excluded: NDArray[np.bool_] | None = None,
    at_most: int | None = None,
) -> Candidates:
    """Score everything in an image that may be asked about.

    Args:
        probabilities: As `score_masks`; so are labels, masks, class_weights and void.
        settings: Acquisition, pool, look-ahead and expansion.
        generator: For the acquisition "random" and the pool "pixelpick".
        excluded: (H, W) bool, pixels that pools of pixels leave out, because they were asked about before.
        at_most: How many candidates a pool without natural bound gives; None = all.

    Raises:
        ValueError: As `score_masks`.
    """
    under_masks = gather_pixels(probabilities, labels, masks, void)
    probabilities = torch.as_tensor(probabilities, dtype=torch.float32)
    weights = np.ones(len(probabilities)) if class_weights is None else class_weights
    weights = torch.as_tensor(weights, dtype=torch.float64).to(probabilities.device)
    if weights.shape != (len(probabilities),):
        raise ValueError(f"class_weights must be ({len(probabilities)},), got {tuple(weights.shape)}")
    context = AcquisitionContext(weights, probabilities, labels, void, generator)
    pixels, summary = POOLS[settings.pool](under_masks, context, excluded, at_most)
    seen = (settings.expansion or 0.0) if settings.look_ahead else None
    score = ACQUISITIONS[settings.name].load()(*expand(pixels, summary, seen), context)
    statistics = to_statistics(pixels, summary, masks.shape[1])
    scores = MaskScores(**vars(statistics), score=score.double().cpu().numpy())
    return Candidates(scores, expansions(pixels, summary, settings.expansion, tuple(masks.shape)))
