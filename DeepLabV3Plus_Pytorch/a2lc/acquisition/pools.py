"""Pools: the pixels of an image that may be asked about, each with the group of pixels its answer may reach.

ALC's diversified pool has one pixel per mask. The others are the baselines of its tables: every pixel, and PixelPick's.
"""

from __future__ import annotations

import dataclasses
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from a2lc.acquisition.functions import AcquisitionContext
from a2lc.mask_statistics import MaskPixels, MaskSummary, pixels_at, summarise

_TOP_SHARE = 0.05  # PixelPick draws from this share of an image's pixels


class Pool(Protocol):
    """A way to choose what may be asked about."""

    def __call__(
        self,
        masks: MaskPixels,
        context: AcquisitionContext,
        excluded: NDArray[np.bool_] | None,
        at_most: int | None,
    ) -> tuple[MaskPixels, MaskSummary]:
        """The candidates of an image.

        Args:
            masks: The pixels under the masks.
            context: The whole image.
            excluded: (H, W) bool, pixels that were asked about before; pools of masks leave that to the selection.
            at_most: As many candidates as could be selected; a pool without natural bound returns the best.

        Returns:
            The groups of pixels, one per candidate, and their summary, whose `representative` is the asked pixel.
        """
        ...


def diversified(
    masks: MaskPixels, context: AcquisitionContext, excluded: NDArray[np.bool_] | None, at_most: int | None
) -> tuple[MaskPixels, MaskSummary]:
    """One pixel per mask: the one of its core most similar to the core's mean. Source: ALC eq. 4-6."""
    return masks, summarise(masks)


def every_pixel(
    masks: MaskPixels, context: AcquisitionContext, excluded: NDArray[np.bool_] | None, at_most: int | None
) -> tuple[MaskPixels, MaskSummary]:
    """Every pixel by itself, under a mask or not; the `at_most` of largest c, ties: the first in row-major order."""
    chosen = _by_error(context, excluded)[:at_most]
    mask_id, _ = _masks_of(chosen, masks, context)
    alone = torch.arange(len(chosen), device=chosen.device)
    return _groups(chosen, chosen, alone, mask_id, context)


def pixelpick(
    masks: MaskPixels, context: AcquisitionContext, excluded: NDArray[np.bool_] | None, at_most: int | None
) -> tuple[MaskPixels, MaskSummary]:
    """As many pixels as there are masks, drawn evenly from the twentieth of the image with the largest c.

    Each stands for its mask, or for itself where it lies under none.
    Source: PixelPick as in ALC's appendix C.3; how many are drawn is our choice, a pool as large as ALC's own.

    Raises:
        ValueError: When the context has no generator.
    """
    if context.generator is None:
        raise ValueError("the pool 'pixelpick' needs a generator")
    ranked = _by_error(context, excluded)
    top = ranked[: max(int(_TOP_SHARE * len(ranked)), 1)]
    drawn = context.generator.permutation(len(top))[: len(masks.mask_id)]
    chosen = top[torch.as_tensor(np.sort(drawn), device=top.device)]
    mask_id, index = _masks_of(chosen, masks, context)
    parts = [
        masks.position[masks.mask == mask] if mask >= 0 else chosen[row : row + 1]
        for row, mask in enumerate(index.tolist())
    ]
    sizes = torch.tensor([len(part) for part in parts], dtype=torch.int64, device=chosen.device)
    group = torch.repeat_interleave(torch.arange(len(parts), device=chosen.device), sizes)
    return _groups(chosen, torch.cat([chosen[:0], *parts]), group, mask_id, context)


def _by_error(context: AcquisitionContext, excluded: NDArray[np.bool_] | None) -> Tensor:
    """Positions of the pixels that may be asked about, the largest c first; ties: row-major order."""
    flat = context.probabilities.reshape(len(context.probabilities), -1)
    error = 1 - flat.gather(0, context.known_labels().reshape(1, -1))[0]
    order = torch.argsort(error, descending=True, stable=True)
    if excluded is None:
        return order
    return order[~torch.as_tensor(excluded, device=order.device).reshape(-1)[order]]


def _masks_of(chosen: Tensor, masks: MaskPixels, context: AcquisitionContext) -> tuple[Tensor, Tensor]:
    """Mask id (0 = none) and index of the mask (-1 = none) of the pixels at these positions."""
    index = torch.full((context.probabilities[0].numel(),), -1, dtype=torch.int64, device=chosen.device)
    index[masks.position] = masks.mask
    ids = torch.cat([masks.mask_id, masks.mask_id.new_zeros(1)])  # the last one stands for none
    return ids[index[chosen]], index[chosen]


def _groups(
    chosen: Tensor, position: Tensor, group: Tensor, mask_id: Tensor, context: AcquisitionContext
) -> tuple[MaskPixels, MaskSummary]:
    """Groups of pixels to ask about, each summarised and represented by its chosen pixel."""
    pixels = pixels_at(context.probabilities, context.labels, position, group, mask_id, context.void)
    asked = torch.nonzero(position == chosen[group])[:, 0]
    return pixels, dataclasses.replace(summarise(pixels), representative=asked)


POOLS: dict[str, Pool] = {"masks": diversified, "pixels": every_pixel, "pixelpick": pixelpick}
