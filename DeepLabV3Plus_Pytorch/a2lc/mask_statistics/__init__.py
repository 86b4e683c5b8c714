"""One pass over the pixels of an image: what its masks are, and what the network thinks of them."""

from typing import TYPE_CHECKING

from a2lc.foundation.lazy import lazily

if TYPE_CHECKING:
    from a2lc.mask_statistics.arrays import MaskStatistics
    from a2lc.mask_statistics.pixels import MaskPixels
    from a2lc.mask_statistics.statistics import (
        MaskSummary,
        gather_pixels,
        mask_statistics,
        pixels_at,
        restrict,
        summarise,
        to_statistics,
    )
else:
    __getattr__, __dir__ = lazily(__name__)

__all__ = [
    "MaskPixels",
    "MaskStatistics",
    "MaskSummary",
    "gather_pixels",
    "mask_statistics",
    "pixels_at",
    "restrict",
    "summarise",
    "to_statistics",
]
