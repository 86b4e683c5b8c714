"""One pass over the pixels of an image: what its masks are, and what the network thinks of them."""

from a2lc.mask_statistics.pixels import MaskPixels
from a2lc.mask_statistics.statistics import (
    MaskStatistics,
    MaskSummary,
    gather_pixels,
    mask_statistics,
    pixels_at,
    restrict,
    summarise,
    to_statistics,
)

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
