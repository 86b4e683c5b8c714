"""Toyscapes at night: what a camera makes of a scene in little light."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from a2lc.foundation.seeding import generator

LIGHT = (0.30, 0.36, 0.52)  # of full daylight, by channel: bluish
CONTRAST = 1.25  # exponent of the brightness: dark places lose more
NOISE = 7.0  # grey levels


def at_night(image: NDArray[np.uint8], seed: int, index: int) -> NDArray[np.uint8]:
    """A picture by night, of the same scene: (H, W, 3) uint8.

    Args:
        image: RGB (H, W, 3) uint8, by day.
        seed: Seed of the data set.
        index: Which scene.
    """
    light = np.array(LIGHT) * generator("toyscapes night", seed, index).uniform(0.8, 1.2)
    dark = 255 * (image / 255) ** CONTRAST * light
    noise = generator("toyscapes night noise", seed, index).normal(0, NOISE, image.shape)
    return np.clip(np.rint(dark + noise), 0, 255).astype(np.uint8)
