"""Masks of a label map: what is judged as one thing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from skimage.measure import label as label_regions
from skimage.segmentation import slic

from a2lc.audit.settings import AuditSettings
from a2lc.classes import ClassSet

_SMALLEST = 3  # smallest masks in a superpixel, on average: cut finer, most pieces would be left out


def find_masks(
    image: NDArray[np.uint8], labels: NDArray[np.uint8], classes: ClassSet, settings: AuditSettings
) -> NDArray[np.int32]:
    """Cut a label map into masks, each of one class.

    Void is under no mask, and neither is the background of a class list that has one, unless the settings ask for it.

    Args:
        image: RGB (H, W, 3) uint8; superpixels follow its edges.
        labels: (H, W) uint8, class index or void.
        classes: Void and background.
        settings: Kind and smallest size of a mask; "auto", before it is decided, means components.

    Returns:
        (H, W) int32: mask ids from 1 in row-major order of their first pixels, 0 = under no mask. Pixels that touch at
        an edge or a corner are neighbours.
    """
    left_out = {classes.void} if settings.background else {classes.void, classes.unmasked_label}
    wanted = ~np.isin(labels, list(left_out))
    pieces = labels.astype(np.int32) + 1
    if settings.masks == "superpixels":
        number = min(settings.superpixels, max(labels.size // (_SMALLEST * settings.min_pixels), 2))
        segments = slic(image, n_segments=number, start_label=0)
        pieces += 256 * segments.astype(np.int32)
    return _drop_small(label_regions(np.where(wanted, pieces, 0), background=0), settings.min_pixels)


def _drop_small(regions: NDArray[np.integer], min_pixels: int) -> NDArray[np.int32]:
    """Number the regions that are large enough consecutively, in their order; the others become 0."""
    large = np.bincount(regions.ravel()) >= min_pixels
    large[0] = False
    numbers = np.where(large, np.cumsum(large), 0).astype(np.int32)
    return numbers[regions]
