"""Label expansion: how far the answer at the asked pixel reaches within its mask."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from a2lc.labels.run_length import encode_runs
from a2lc.mask_statistics import MaskPixels, MaskSummary, restrict


def expand(pixels: MaskPixels, summary: MaskSummary, threshold: float | None) -> tuple[MaskPixels, MaskSummary]:
    """Cut every mask down to E = {x in m : cos(f(x_m), f(x)) >= ε}.

    Args:
        pixels: The pixels of the masks.
        summary: Their asked pixels x_m, as `representative`.
        threshold: ε; 0 = the whole mask (no cosine of probabilities is negative), None = x_m alone.

    Source: ALC eq. 12.
    """
    if threshold == 0:
        return pixels, summary
    chosen = torch.zeros_like(summary.core_similarity, dtype=torch.bool)
    if threshold is not None:
        chosen = pixels.similarity(pixels.vectors(summary.representative)) >= threshold
    chosen[summary.representative] = True  # whatever rounding does to its similarity to itself
    return restrict(pixels, summary, chosen)


def expansions(
    pixels: MaskPixels, summary: MaskSummary, threshold: float | None, shape: tuple[int, int]
) -> tuple[str | None, ...]:
    """E of every mask of an image of (H, W) pixels, as `encode_runs` writes it; None = the whole mask."""
    asked = pixels.position_of(summary.representative).tolist()
    if threshold is None:
        return tuple(f"{position}:1" for position in asked)
    if threshold == 0:
        return tuple(None if mask else f"{position}:1" for mask, position in zip(pixels.mask_id, asked, strict=True))
    smaller, _ = expand(pixels, summary, threshold)
    order = torch.argsort(smaller.mask, stable=True)
    counts = torch.bincount(smaller.mask, minlength=len(pixels.mask_id)).tolist()
    return tuple(_runs(part, shape) for part in torch.split(smaller.position[order].cpu(), counts))


def _runs(positions: Tensor, shape: tuple[int, int]) -> str:
    inside = np.zeros(shape, dtype=bool)
    inside.ravel()[positions.numpy()] = True
    return encode_runs(inside)
