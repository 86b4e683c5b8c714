"""Photos with their labels laid over them, for people to look at."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from a2lc.classes import ClassSet

_LINE = 255  # white


def draw_overlay(
    image: NDArray[np.uint8], labels: NDArray[np.uint8], classes: ClassSet, opacity: float = 0.5
) -> NDArray[np.uint8]:
    """Blend a photo with the colours of its labels and draw a white line where a class ends.

    Void is left as it is, and so is the background of a class set that has one.

    Args:
        image: RGB (H, W, 3) uint8.
        labels: (H, W) uint8, class index or void.
        classes: Colours, void and background.
        opacity: Share of the colour, 0 (the photo under the lines) to 1 (the colours alone).

    Returns:
        RGB (H, W, 3) uint8.
    """
    colors = np.frombuffer(classes.palette(), dtype=np.uint8).reshape(256, 3)[labels]
    blended = np.rint(image + np.float32(opacity) * (colors.astype(np.float32) - image)).astype(np.uint8)
    blended[_boundaries(labels)] = _LINE
    plain = np.isin(labels, (classes.void, classes.unmasked_label))
    return np.where(plain[..., None], image, blended)


def _boundaries(labels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """(H, W) bool: pixels with a neighbour above, below, left or right that has another label."""
    edges = np.zeros(labels.shape, dtype=bool)
    rows, columns = labels[1:] != labels[:-1], labels[:, 1:] != labels[:, :-1]
    edges[1:] |= rows
    edges[:-1] |= rows
    edges[:, 1:] |= columns
    edges[:, :-1] |= columns
    return edges
