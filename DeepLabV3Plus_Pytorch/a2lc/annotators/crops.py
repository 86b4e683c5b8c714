"""Pictures of a mask for people: where it is, how it looks, and in which surroundings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

Picture = NDArray[np.uint8]  # RGB (H, W, 3)

_MARGIN = 0.4  # surroundings of the mask, as a share of its longer side
_LEAST_MARGIN = 0.12  # and of the shorter side of the image, for small masks
_LONGEST = 560  # pixels, longer side of a crop
_MARK = (255, 0, 200)  # of the outline, the tint and the frame
_TINT = 0.28  # share of the mark's colour within the mask
_DARK = 85  # mean brightness of a mask below which its surroundings are brightened
_READABLE = 115  # to which mean they are then
_STRONGEST = 0.4  # exponent of the strongest brightening


@dataclass(frozen=True)
class Window:
    """A part of an image: rows `top` to `bottom` and columns `left` to `right`, the latter not included."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def pixels(self) -> tuple[slice, slice]:
        """Its rows and columns."""
        return np.s_[self.top : self.bottom, self.left : self.right]


def window_around(mask: NDArray[np.bool_]) -> Window:
    """The mask and its surroundings.

    Args:
        mask: (H, W) bool, at least one pixel.
    """
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    extent = max(np.ptp(rows), np.ptp(columns))
    margin = int(max(_MARGIN * extent + 8, _LEAST_MARGIN * min(mask.shape)))
    top, left = max(int(rows[0]) - margin, 0), max(int(columns[0]) - margin, 0)
    bottom, right = min(int(rows[-1]) + margin + 1, mask.shape[0]), min(int(columns[-1]) + margin + 1, mask.shape[1])
    return Window(top, left, bottom, right)


def draw_crop(image: Picture, mask: NDArray[np.bool_], longest: int = _LONGEST) -> Picture:
    """The mask in its surroundings: left as it is, right tinted and outlined; both brightened where the mask is dark.

    Args:
        image: RGB (H, W, 3) uint8.
        mask: (H, W) bool, at least one pixel.
        longest: Pixels of the longer side of each half.

    Returns:
        (h, 2w, 3) uint8.
    """
    pixels = window_around(mask).pixels
    photo = brightened(image, mask)[pixels]
    factor = longest / max(photo.shape[:2])
    size = max(round(photo.shape[1] * factor), 1), max(round(photo.shape[0] * factor), 1)
    plain, inside = _resized(photo, mask[pixels], size)
    return np.concatenate([plain, marked(plain, inside)], axis=1)


def brightened(image: Picture, mask: NDArray[np.bool_]) -> Picture:
    """The image as it is, or, where little of a dark mask could be seen, brightened by a power of its values."""
    mean = float(image[mask].mean())
    if mean >= _DARK:
        return image
    exponent = max(np.log(_READABLE / 255) / np.log(max(mean, 1) / 255), _STRONGEST)
    table = np.round(255 * (np.arange(256) / 255) ** exponent).astype(np.uint8)
    return table[image]


def marked(photo: Picture, inside: NDArray[np.bool_]) -> Picture:
    """The pixels of a mask (H, W) tinted and outlined; all others stay as they are."""
    tint = np.array(_MARK, dtype=np.float64)
    tinted = np.where(inside[..., None], photo * (1 - _TINT) + tint * _TINT, photo).astype(np.uint8)
    grown = Image.fromarray(inside).convert("L").filter(ImageFilter.MaxFilter(5))
    tinted[(np.asarray(grown) > 0) & ~inside] = _MARK
    return tinted


def draw_whole(image: Picture, mask: NDArray[np.bool_], size: tuple[int, int]) -> Picture:
    """The whole image with its mask marked and the frame of the mask's crop, within a width and a height in pixels."""
    factor = min(size[0] / image.shape[1], size[1] / image.shape[0])
    width, height = max(round(image.shape[1] * factor), 1), max(round(image.shape[0] * factor), 1)
    picture = Image.fromarray(marked(*_resized(brightened(image, mask), mask, (width, height))))
    window = window_around(mask)
    corners = (window.left, window.top, window.right - 1, window.bottom - 1)
    ImageDraw.Draw(picture).rectangle([round(corner * factor) for corner in corners], outline=(255, 230, 0), width=2)
    return np.asarray(picture)


def draw_thumbnail(image: Picture, mask: NDArray[np.bool_], side: int) -> Picture:
    """The marked mask in its surroundings, no side longer than `side` pixels."""
    crop = draw_crop(image, mask, side)
    return crop[:, crop.shape[1] // 2 :]


def _resized(photo: Picture, mask: NDArray[np.bool_], size: tuple[int, int]) -> tuple[Picture, NDArray[np.bool_]]:
    """A photo and a mask of its size, scaled to a width and a height."""
    resized = Image.fromarray(photo).resize(size, Image.Resampling.BICUBIC)
    shape = Image.fromarray(mask).convert("L").resize(size)
    return np.asarray(resized), np.asarray(shape) > 127
