"""A picture of 24 images with their masks, to judge a pseudo-label set at a glance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from a2lc.classes import ClassSet
from a2lc.formats.mask_facts import mask_facts
from a2lc.foundation.errors import InputError
from a2lc.foundation.seeding import generator
from a2lc.labels.overlay import draw_overlay
from a2lc.labels.store import PseudoLabelSet

IMAGES = 24
COLUMNS = 6
TILE = 312  # width of a tile in pixels; 6 of them and their gaps make 1920
GAP = 8  # at the right of a tile and below its caption; half of it around the sheet
CAPTION = 20  # height in pixels
TALLEST = 260  # upright images are made narrower instead
FONT_SIZE = 13
NAMES = 10  # per tile
HIDING = 3  # a name stands beside a mask whose box is smaller than this many times its own
OPACITY = 0.4
PAPER = (24, 24, 27)
INK = (235, 235, 235)
PALE_INK = (160, 160, 165)
ALARM = (255, 140, 90)

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class _Tile:
    image_id: str
    picture: NDArray[np.uint8]
    masks: int


def contact_sheet(
    image: Callable[[str], NDArray[np.uint8]],
    pseudo_labels: PseudoLabelSet,
    classes: ClassSet,
    image_ids: Sequence[str],
    seed: int = 0,
) -> NDArray[np.uint8]:
    """Draw 24 images, spread evenly over the list, with coloured and outlined masks and the names of the larger ones.

    Args:
        image: Gives the RGB (H, W, 3) uint8 image of an id.
        pseudo_labels: Holds their masks.
        classes: Names and colours.
        image_ids: The images to choose from, in a fixed order; all are drawn when there are no more than 24.
        seed: Another seed chooses other images.

    Returns:
        RGB (height, 1920, 3) uint8: six tiles a row, as many rows as the images need.

    Raises:
        InputError: When there is no image, an image or a map cannot be read, or their sizes differ.
    """
    if not image_ids:
        raise InputError(f"{pseudo_labels.root} holds no image: there is nothing to draw")
    tiles = [_tile(image(name), pseudo_labels, name, classes) for name in _choose(image_ids, seed)]
    height = max(tile.picture.shape[0] for tile in tiles)
    rows = -(-len(tiles) // COLUMNS)
    size = COLUMNS * (TILE + GAP), rows * (height + CAPTION + GAP)
    sheet = Image.new("RGB", size, PAPER)
    font = ImageFont.load_default(FONT_SIZE)
    for index, tile in enumerate(tiles):
        row, column = divmod(index, COLUMNS)
        corner = column * (TILE + GAP) + GAP // 2, row * (height + CAPTION + GAP) + GAP // 2
        _place(sheet, tile, corner, height, font)
    return np.asarray(sheet)


def _choose(image_ids: Sequence[str], seed: int) -> list[str]:
    """One image of each of 24 equally long stretches of the list."""
    count = min(IMAGES, len(image_ids))
    borders = np.arange(count + 1) * len(image_ids) // count
    return [image_ids[index] for index in generator("contact sheet", seed).integers(borders[:-1], borders[1:])]


def _tile(image: NDArray[np.uint8], pseudo_labels: PseudoLabelSet, image_id: str, classes: ClassSet) -> _Tile:
    """An image of the sheet. Raises InputError when image and maps have not the same shape."""
    labels = pseudo_labels.labels(image_id)
    masks = pseudo_labels.masks(image_id)
    if not image.shape[:2] == labels.shape == masks.shape:
        raise InputError(
            f"'{image_id}' has an image of {image.shape[:2]}, a label map of {labels.shape} and a mask map of "
            f"{masks.shape}: they must agree, make its masks again"
        )
    count = len(np.unique(masks[masks > 0]))
    scale = min(TILE / image.shape[1], TALLEST / image.shape[0])
    size = max(round(image.shape[1] * scale), 1), max(round(image.shape[0] * scale), 1)
    photo = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.LANCZOS))
    labels = np.asarray(Image.fromarray(labels).resize(size, Image.Resampling.NEAREST))
    masks = np.asarray(Image.fromarray(masks).resize(size, Image.Resampling.NEAREST))
    picture = Image.fromarray(_overlay(photo, labels, masks, classes))
    _write_names(picture, labels, masks, classes)
    return _Tile(image_id, np.asarray(picture), count)


def _overlay(
    photo: NDArray[np.uint8], labels: NDArray[np.uint8], masks: NDArray[np.int32], classes: ClassSet
) -> NDArray[np.uint8]:
    """The photo with its labels' colours and a white line where a mask ends, also between two of one class."""
    drawn = draw_overlay(photo, labels, classes, OPACITY)
    drawn[:, 1:][masks[:, 1:] != masks[:, :-1]] = 255
    drawn[1:][masks[1:] != masks[:-1]] = 255
    return drawn


def _write_names(picture: Image.Image, labels: NDArray[np.uint8], masks: NDArray[np.int32], classes: ClassSet) -> None:
    """Write class names at the largest masks, as far as they do not cover each other."""
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(FONT_SIZE)
    facts = mask_facts(labels, masks)
    taken: list[Box] = []
    for index in np.argsort(-facts.pixels, kind="stable")[:NAMES]:
        label = int(facts.label[index])
        name = classes.name_of(label)
        left, top, right, bottom = draw.textbbox((0, 0), name, font=font)
        x, y = _name_corner(masks == facts.mask_id[index], facts.box[index], right - left + 6, bottom - top + 5)
        box = x, y, x + right - left + 6, y + bottom - top + 5
        if not any(_overlap(box, other) for other in taken):
            taken.append(box)
            color = tuple(classes.palette()[3 * label : 3 * label + 3])
            draw.rectangle(box, fill=color, outline="white")
            draw.text((x + 3 - left, y + 2 - top), name, fill=_readable_on(color), font=font)


def _name_corner(mask: NDArray[np.bool_], box: NDArray[np.int64], width: float, height: float) -> tuple[float, float]:
    """Left and top of the name of a mask: in its middle, or beside it when the name would hide it."""
    tall, wide = mask.shape
    pixels = np.argwhere(mask)
    y, x = pixels[((pixels - pixels.mean(axis=0)) ** 2).sum(axis=1).argmin()] - (height / 2, width / 2)
    if (box[2] - box[0]) * (box[3] - box[1]) < HIDING * width * height:
        above, below = box[1] - height - 2, box[3] + 2
        y = above if above >= 0 else below
    return float(np.clip(x, 0, wide - 1 - width)), float(np.clip(y, 0, tall - 1 - height))


def _overlap(first: Box, second: Box) -> bool:
    """Whether two boxes share a pixel."""
    return first[0] < second[2] and second[0] < first[2] and first[1] < second[3] and second[1] < first[3]


def _readable_on(color: tuple[int, ...]) -> str:
    """Black or white, whichever stands out (luma of ITU-R BT.601)."""
    return "black" if np.dot(color, (0.299, 0.587, 0.114)) > 140 else "white"


def _place(sheet: Image.Image, tile: _Tile, corner: tuple[int, int], height: int, font: Font) -> None:
    """Put a tile onto the sheet, in the middle of its place, and its caption below."""
    x, y = corner
    tall, wide = tile.picture.shape[:2]
    sheet.paste(Image.fromarray(tile.picture), (x + (TILE - wide) // 2, y + (height - tall) // 2))
    count = f"{tile.masks} mask{'s' * (tile.masks != 1)}" if tile.masks else "no mask"
    draw = ImageDraw.Draw(sheet)
    room = TILE - draw.textlength(count, font=font) - 8
    middle = y + height + CAPTION // 2
    draw.text((x, middle), _shortened(tile.image_id, room, draw, font), fill=INK, font=font, anchor="lm")
    draw.text((x + TILE, middle), count, fill=PALE_INK if tile.masks else ALARM, font=font, anchor="rm")


def _shortened(text: str, room: float, draw: ImageDraw.ImageDraw, font: Font) -> str:
    """The end of a text that is too long, as that is where image ids differ."""
    if draw.textlength(text, font=font) <= room:
        return text
    fitting = (f"...{text[start:]}" for start in range(1, len(text)))
    return next((part for part in fitting if draw.textlength(part, font=font) <= room), "...")
