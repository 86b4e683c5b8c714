"""What a network that has not seen an image thinks of each of its masks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from a2lc.mask_statistics import MaskPixels, MaskStatistics, gather_pixels, summarise, to_statistics

_TEMPERATURE = 0.1  # of softmin, as for images in `a2lc.quality`
_LEAST = 1e-6  # a probability below it counts as this much: one pixel shall not decide about a mask


@dataclass(frozen=True)
class MaskEvidence(MaskStatistics):
    """`MaskStatistics` and more for M masks over C classes; `label` is the given class.

    Attributes:
        log_probability: (M, C) float64, mean over the pixels of log f(x), f not below 1e-6.
        share: (M, C) float64, share of the pixels that the network takes for each class.
        softmin: (M,) float64, mean of the self-confidence s(x), weighted with softmax((1 - s) / 0.1).
        issues: (M,) float64, share of the pixels that `a2lc.quality.find_label_issues` finds.
    """

    log_probability: NDArray[np.float64]
    share: NDArray[np.float64]
    softmin: NDArray[np.float64]
    issues: NDArray[np.float64]

    @classmethod
    def collect(cls, parts: Iterable[MaskEvidence]) -> MaskEvidence:
        """Concatenate the masks of several images, at least one."""
        every = list(parts)
        return cls(*(np.concatenate([getattr(part, field.name) for part in every]) for field in fields(cls)))


def mask_evidence(
    probabilities: Any, labels: NDArray[np.uint8], masks: NDArray[np.integer], issues: NDArray[np.bool_], void: int
) -> MaskEvidence:
    """Judge the masks of one image.

    Args:
        probabilities: (C, H, W) float32 softmax output of a network that has not seen the image.
        labels: (H, W) uint8, the given labels.
        masks: (H, W) mask ids, 0 = under no mask.
        issues: (H, W) bool, from `find_label_issues`.
        void: Index of void.

    Raises:
        ValueError: See `gather_pixels`.
    """
    pixels = gather_pixels(probabilities, labels, masks, void)
    statistics = to_statistics(pixels, summarise(pixels), masks.shape[1])
    count = torch.from_numpy(statistics.pixels)
    classes = len(pixels.probabilities)
    number = len(statistics)
    log = torch.stack([pixels.sum(channel.clamp(min=_LEAST).log()) for channel in pixels.probabilities], dim=1)
    taken = torch.bincount(pixels.mask * classes + pixels.predicted, minlength=number * classes).view(number, classes)
    flagged = torch.from_numpy(issues.reshape(-1)).to(pixels.position.device)[pixels.position]
    return MaskEvidence(
        **vars(statistics),
        log_probability=(log.cpu() / count[:, None]).numpy(),
        share=(taken.cpu() / count[:, None]).double().numpy(),
        softmin=_softmin(pixels),
        issues=(pixels.sum(flagged).cpu() / count).numpy(),
    )


def _softmin(pixels: MaskPixels) -> NDArray[np.float64]:
    """Softmin of the confidence in the given label over the pixels of each mask, (M,)."""
    confidence = pixels.label_probability().double()
    least = torch.ones(len(pixels.mask_id), dtype=torch.float64, device=confidence.device)
    least = least.scatter_reduce(0, pixels.mask, confidence, "amin")
    weights = ((least[pixels.mask] - confidence) / _TEMPERATURE).exp()
    softmin: NDArray[np.float64] = (pixels.sum(weights * confidence) / pixels.sum(weights)).cpu().numpy()
    return softmin
