"""Superpixels: an image cut into small parts along its colours, with no foundation model."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from a2lc.foundation.errors import InputError
from a2lc.foundation.layers import nearest

MOST_SEGMENTS = 65_535  # ids that a mask map of 16 bits can hold
_USUAL_AREA = 32 * 32  # pixels for each superpixel where no number is asked for
_LARGE = 2**20  # pixels; a larger image is cut at half its size where that is slow
_SEEDS_FEWEST = 10  # OpenCV raises smaller numbers to this one
_SEEDS_LEVELS = (4, 3, 2)  # of blocks within blocks; of more levels OpenCV says they are more accurate, it needs two
_NO_SEEDS = (
    "method seeds needs cv2.ximgproc of OpenCV's contrib modules, which is not here or is broken: pip install "
    "'a2lc[seeds]' in an environment without opencv-python and every other package named opencv (groundingdino-py "
    "brings one), because all of them write the same folder cv2 and the last one installed wins; or take --method slic"
)


class Superpixels(Protocol):
    """Cuts an image into superpixels."""

    def __call__(self, image: NDArray[np.uint8]) -> NDArray[np.int32]:
        """Cut an image.

        Args:
            image: RGB (H, W, 3) uint8.

        Returns:
            (H, W) int32 ids, each of 1 to n used: every pixel lies in a superpixel.

        Raises:
            InputError: When the method cannot cut an image of this size.
        """
        ...

    def describe(self) -> dict[str, Any]:
        """All that decides about the result: method, numbers, version of the library."""
        ...


@dataclass(frozen=True)
class Slic:
    """SLIC of scikit-image (Achanta et al., 2012): k-means in colour and place, compact and of similar size.

    Parts that are too small are merged, which leaves about 60 % of the number asked for on photos.

    Attributes:
        segments: About how many superpixels an image gets; None = one for each 32x32 pixels.
    """

    segments: int | None

    def __call__(self, image: NDArray[np.uint8]) -> NDArray[np.int32]:
        """See `Superpixels`."""
        from skimage.segmentation import slic

        return _numbered(slic(image, n_segments=_wanted(self.segments, image), start_label=1))

    def describe(self) -> dict[str, Any]:
        """See `Superpixels`."""
        return {"method": "slic", "segments": self.segments, "scikit-image": version("scikit-image")}


@dataclass(frozen=True)
class Felzenszwalb:
    """Felzenszwalb and Huttenlocher (2004), of scikit-image: regions of one colour, small and large ones side by side.

    The number is met through the smallest area allowed, a quarter of a superpixel's share of the image, which gives
    about 70 % of it on photos. An image of more than 2^20 pixels is cut at half its height and width, nine times
    faster, and its borders are then exact to two pixels.

    Attributes:
        segments: About how many superpixels an image gets; None = one for each 32x32 pixels.
    """

    segments: int | None

    def __call__(self, image: NDArray[np.uint8]) -> NDArray[np.int32]:
        """See `Superpixels`."""
        from skimage.segmentation import felzenszwalb

        height, width = image.shape[:2]
        wanted = _wanted(self.segments, image)
        shrink = 2 if height * width > _LARGE else 1
        small = np.asarray(Image.fromarray(image).reduce(shrink))
        smallest = math.ceil(small.shape[0] * small.shape[1] / wanted / 4)
        ids = _numbered(felzenszwalb(small, scale=100, sigma=0.8, min_size=smallest))
        return ids.repeat(shrink, axis=0).repeat(shrink, axis=1)[:height, :width]

    def describe(self) -> dict[str, Any]:
        """See `Superpixels`."""
        return {"method": "felzenszwalb", "segments": self.segments, "scikit-image": version("scikit-image")}


class Seeds:
    """SEEDS of OpenCV's contrib modules (Van den Bergh et al., 2012) in Lab: a grid whose blocks move by colour.

    Args:
        segments: About how many superpixels an image gets, usually fewer and at least 10; None = one for each 32x32
            pixels.

    Raises:
        InputError: When OpenCV is not there, or without its contrib modules.
    """

    def __init__(self, segments: int | None) -> None:
        self._segments = segments
        self._cv2 = _opencv_with_seeds()

    def __call__(self, image: NDArray[np.uint8]) -> NDArray[np.int32]:
        """See `Superpixels`."""
        height, width = image.shape[:2]
        wanted = max(_SEEDS_FEWEST, _wanted(self._segments, image))
        levels = max(_SEEDS_LEVELS, key=lambda levels: _seeds_blocks(height, width, wanted, levels))
        if not _seeds_blocks(height, width, wanted, levels):
            raise InputError(
                f"method seeds cannot cut {width}x{height} pixels into {wanted} superpixels, the image is too small or "
                "too long for it: set --segments to another number, or take --method slic"
            )
        seeds = self._cv2.ximgproc.createSuperpixelSEEDS(width, height, 3, wanted, levels)
        seeds.iterate(self._cv2.cvtColor(image, self._cv2.COLOR_RGB2LAB), 10)
        return _numbered(seeds.getLabels())

    def describe(self) -> dict[str, Any]:
        """See `Superpixels`."""
        return {"method": "seeds", "segments": self._segments, "opencv": self._cv2.__version__}


METHODS: Mapping[str, Callable[[int | None], Superpixels]] = {
    "slic": Slic,
    "felzenszwalb": Felzenszwalb,
    "seeds": Seeds,
}


def open_superpixels(method: str, segments: int | None = None) -> Superpixels:
    """The method of a name.

    Args:
        method: slic, felzenszwalb or seeds.
        segments: About how many superpixels an image gets; None = one for each 32x32 pixels.

    Raises:
        InputError: When there is no such method, its library is missing, or the number is out of range.
    """
    if method not in METHODS:
        raise InputError(f"no method {method}: choose {', '.join(METHODS)}{nearest(method, list(METHODS))}")
    if segments is not None and not 1 <= segments <= MOST_SEGMENTS:
        raise InputError(f"--segments is {segments}: give a number from 1 to {MOST_SEGMENTS:,}, the ids of a mask map")
    return METHODS[method](segments)


def _wanted(segments: int | None, image: NDArray[np.uint8]) -> int:
    """How many superpixels an image is cut into."""
    usual = image.shape[0] * image.shape[1] // _USUAL_AREA
    return min(max(usual, 1), MOST_SEGMENTS) if segments is None else segments


def _numbered(labels: NDArray[np.integer]) -> NDArray[np.int32]:
    """Labels from 0 on, some of them unused, as ids 1 to n in the same order."""
    used = np.bincount(labels.ravel()) > 0
    return np.cumsum(used, dtype=np.int32)[labels]


def _seeds_blocks(height: int, width: int, wanted: int, levels: int) -> int:
    """How many superpixels SEEDS starts from; with 0, OpenCV hangs, crashes, or gives one superpixel for all.

    OpenCV derives rows and columns from the number wanted, halves them as often as there are levels less one to blocks
    of a pixel or more, and rounds these up, so that fewer superpixels fit than were wanted.
    """
    rows = math.isqrt(wanted * height // width)
    columns = rows * width // height
    if min(rows, columns) < 1:
        return 0
    halves = 2 ** (levels - 1)
    across, down = width / columns / halves, height / rows / halves
    if min(across, down) < 1:
        return 0
    return (width // math.ceil(across) // halves) * (height // math.ceil(down) // halves)


def _opencv_with_seeds() -> Any:
    try:
        import cv2
    except ImportError:
        raise InputError(_NO_SEEDS) from None
    # a plain wheel installed over one with contrib leaves an empty cv2.ximgproc behind
    if not hasattr(getattr(cv2, "ximgproc", None), "createSuperpixelSEEDS"):
        raise InputError(_NO_SEEDS)
    return cv2
