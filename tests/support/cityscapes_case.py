"""Cityscapes in miniature: drawn scenes under the real folder and file names, and masks as a detector leaves them."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from a2lc.classes import load_classes
from a2lc.foundation.images import write_image, write_label_map

TRAIN = (
    "aachen_000000_000019",
    "aachen_000001_000019",
    "bochum_000000_000313",
    "bochum_000000_000600",
    "strasbourg_000000_000065",
    "zurich_000121_000019",
)
VAL = ("frankfurt_000000_000294", "frankfurt_000001_054415", "lindau_000002_000019")
UNDETECTED = 1  # position of the training image in which nothing was detected

SMALL = (64, 128)
FULL = (1024, 2048)  # height and width of a real image

# labelId → trainId of what is drawn; the rest of the scene is not evaluated
ROAD, BUILDING, SKY = 7, 11, 23
THINGS = {8: 1, 12: 3, 17: 5, 19: 6, 20: 7, 21: 8, 24: 11, 25: 12, 26: 13, 27: 14, 28: 15, 31: 16, 32: 17, 33: 18}
DRAWN = {ROAD: 0, BUILDING: 2, SKY: 10, **THINGS}
EGO_VEHICLE, LICENSE_PLATE = 1, 255


@dataclass(frozen=True)
class Scene:
    """A drawn image: RGB (H, W, 3) uint8, its labelIds (H, W) uint8 and its masks (H, W) uint8, 0 = no mask.

    `mask_classes[k - 1]` is the labelId of mask k; the ego vehicle has no mask.
    """

    image: NDArray[np.uint8]
    label_ids: NDArray[np.uint8]
    masks: NDArray[np.uint8]
    mask_classes: tuple[int, ...]


def draw_scene(image_id: str, size: tuple[int, int] = SMALL) -> Scene:
    """The scene of an image id; the same id and size give the same pixels."""
    rng = np.random.default_rng(zlib.crc32(image_id.encode()))
    height, width = size
    rows, columns = np.mgrid[:height, :width] / np.array(size).reshape(2, 1, 1)
    regions = [(SKY, rows < 0.3), (BUILDING, (rows >= 0.3) & (rows < 0.6)), (ROAD, rows >= 0.6)]
    for label_id in rng.choice(list(THINGS), 5, replace=False):
        down, across = np.abs(rows - rng.uniform(0.35, 0.75)), np.abs(columns - rng.uniform(0.1, 0.9))
        round_shape = (down / 0.15) ** 2 + (across / 0.1) ** 2 < 1
        regions.append((int(label_id), round_shape if label_id % 2 else (down < 0.15) & (across < 0.06)))
    label_ids, masks = np.zeros(size, dtype=np.uint8), np.zeros(size, dtype=np.uint8)
    for mask_id, (label_id, region) in enumerate(regions, start=1):
        label_ids[region], masks[region] = label_id, mask_id
    label_ids[(rows > 0.62) & (rows < 0.66) & (columns > 0.4) & (columns < 0.5)] = LICENSE_PLATE
    bonnet = rows > 0.92
    label_ids[bonnet], masks[bonnet] = EGO_VEHICLE, 0
    return Scene(_paint(label_ids, rng), label_ids, masks, tuple(label_id for label_id, _ in regions))


def write_cityscapes(
    root: Path,
    *,
    trainvaltest: bool = False,
    train: Sequence[str] = TRAIN,
    val: Sequence[str] = VAL,
    big: bool = False,
    truth: bool = True,
) -> Path:
    """Write images and ground truth of both splits below `root` and return it.

    Args:
        root: Becomes dataset.root.
        trainvaltest: Whether each package lies in a folder named after it.
        train: Ids of the training images.
        val: Ids of the validation images.
        big: Whether the last training image has 1024 x 2048 pixels.
        truth: Whether gtFine is written.
    """
    images = root / ("leftImg8bit_trainvaltest" if trainvaltest else "") / "leftImg8bit"
    labels = root / ("gtFine_trainvaltest" if trainvaltest else "") / "gtFine"
    for split, ids in (("train", train), ("val", val)):
        for image_id in ids:
            scene = draw_scene(image_id, FULL if big and image_id == train[-1] else SMALL)
            below = Path(split, image_id.split("_")[0])
            write_image(images / below / f"{image_id}_leftImg8bit.png", scene.image)
            if truth:
                write_image(labels / below / f"{image_id}_gtFine_labelIds.png", scene.label_ids)
                Image.fromarray(_instances(scene)).save(labels / below / f"{image_id}_gtFine_instanceIds.png")
    return root


def write_research_masks(
    folder: Path, train: Sequence[str] = TRAIN, *, big: bool = False
) -> dict[tuple[str, int], tuple[int, int]]:
    """Write mask_jpg/ (trainIds, 255 = not painted) and obj_jpg/ (mask ids) of the training images.

    Every third mask gets a wrong class. In `train[UNDETECTED]` nothing was detected: both files are 255 everywhere.

    Args:
        folder: Becomes the pseudo-label set.
        train: Ids as given to `write_cityscapes`.
        big: As given to `write_cityscapes`.

    Returns:
        Of each wrong mask, by (image id, mask id): the trainId written and the right one.
    """
    wrong: dict[tuple[str, int], tuple[int, int]] = {}
    palette = load_classes("cityscapes").palette()
    for index, image_id in enumerate(train):
        scene = draw_scene(image_id, FULL if big and image_id == train[-1] else SMALL)
        guesses = np.full(256, 255, dtype=np.uint8)
        for mask_id, label_id in enumerate(scene.mask_classes, start=1):
            right = DRAWN[label_id]
            guesses[mask_id] = right if (index + mask_id) % 3 else (right + 5) % 19
            if guesses[mask_id] != right and index != UNDETECTED and np.any(scene.masks == mask_id):
                wrong[image_id, mask_id] = (int(guesses[mask_id]), right)
        masks = np.full_like(scene.masks, 255) if index == UNDETECTED else scene.masks
        write_label_map(folder / "mask_jpg" / f"{image_id}.png", guesses[masks], palette)
        write_image(folder / "obj_jpg" / f"{image_id}.png", masks)
    return wrong


def _paint(label_ids: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Each class in its own colour, with noise; what is not evaluated is grey."""
    colors, classes = np.full((256, 3), 120), load_classes("cityscapes").classes
    for label_id, train_id in DRAWN.items():
        colors[label_id] = classes[train_id].color
    return np.clip(colors[label_ids] + rng.normal(0, 10, (*label_ids.shape, 3)), 0, 255).astype(np.uint8)


def _instances(scene: Scene) -> NDArray[np.uint16]:
    """The 16-bit file that lies beside labelIds: things as 1000 * labelId + number, the rest as its labelId."""
    label_ids = scene.label_ids.astype(np.uint16)
    return np.where((label_ids >= 24) & (label_ids <= 33), 1000 * label_ids + scene.masks, label_ids)
