"""An acquisition as another package would add one: the smallest masks first."""

from __future__ import annotations

from torch import Tensor

from a2lc.acquisition import AcquisitionContext
from a2lc.acquisition.registry import ACQUISITIONS, AcquisitionEntry
from a2lc.foundation.registry import Needs
from a2lc.mask_statistics import MaskPixels, MaskSummary


def smallest(pixels: MaskPixels, summary: MaskSummary, context: AcquisitionContext) -> Tensor:
    """One by the number of pixels."""
    return 1 / summary.pixels.double()


ACQUISITIONS.register("toy", AcquisitionEntry(Needs(), lambda: smallest))
