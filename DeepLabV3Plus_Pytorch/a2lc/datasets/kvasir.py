"""Kvasir-SEG in its official layout: polyps in the bowel, one binary mask per image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import Field

from a2lc.classes import load_classes
from a2lc.datasets.base import Split
from a2lc.datasets.id_list import read_id_list
from a2lc.datasets.location import explain_missing
from a2lc.foundation.errors import InputError, refuse
from a2lc.foundation.images import image_size, images_by_id, read_image
from a2lc.foundation.settings import Decides, Settings

POLYP = 1
_WHITE = 127  # masks are stored as JPEG: black and white only nearly, brighter than this is polyp
_VALIDATION = 0.12  # 120 of 1,000 images


class KvasirSettings(Settings):
    """Kvasir-SEG."""

    name: Literal["kvasir"]
    """Which data set: kvasir."""
    root: Annotated[Path, Decides.SOURCE] = Path("data/kvasir")
    """Folder that holds images/ and masks/."""
    train: Path | None = None
    """List of training image ids, one a line; empty = train.txt in `root`, else all images that are not in `val`."""
    val: Path | None = None
    """List of validation image ids, one a line; empty = val.txt in `root`, else all images that are not in `train`;
    without any list the last 12 % of all ids in alphabetical order."""
    size: int | None = Field(352, ge=1)
    """Side in pixels that images and masks are resized to; null = as they are."""


@dataclass(frozen=True)
class KvasirTruth:
    """Ground truth out of binary masks; fulfils `LabelSource`.

    Attributes:
        paths: {image id: file of its mask}.
        side: Side in pixels that masks are resized to; None = as they are.
    """

    paths: Mapping[str, Path]
    side: int | None

    def labels(self, image_id: str) -> NDArray[np.uint8]:
        """(H, W) uint8, 0 = background, 1 = polyp. Raises InputError when the mask cannot be read."""
        polyp = read_image(self.paths[image_id]).mean(axis=2) > _WHITE
        return _resized(np.where(polyp, POLYP, 0).astype(np.uint8), self.side, Image.Resampling.NEAREST)

    def label_path(self, image_id: str) -> Path:
        """The file of the mask."""
        return self.paths[image_id]


class Kvasir:
    """Kvasir-SEG: images/<id>.jpg and masks/<id>.jpg, resized to a square as in the ALC paper.

    Everything downstream sees the resized images, so pseudo-labels have their size and not that of the files (with
    `size=null` the two agree). The ids of train.txt and val.txt are the two splits. Where there is no list, the last
    12 % of the sorted ids are for validation, 120 of the 1,000; where there is one list, the other split is the rest.

    Raises:
        InputError: When images or masks are not there, an image has no mask, or a list names an unknown image.
    """

    def __init__(self, settings: KvasirSettings) -> None:
        root = settings.root
        images, masks = root / "images", root / "masks"
        for folder in (images, masks):
            if not folder.is_dir():
                remedy = "unpack kvasir-seg.zip, and set dataset.root to the folder that holds images/ and masks/"
                raise explain_missing(folder, root, [Path("masks")], remedy)
        self._paths = images_by_id(images, images.glob("[!.]*"))
        truth = images_by_id(masks, masks.glob("[!.]*"))
        refuse(f"{masks} has no mask for images of {images}", sorted(set(self._paths).difference(truth)))
        self._ids = _split(settings, tuple(self._paths))
        listed = set(self._ids["train"]).union(self._ids["val"])
        refuse(f"the lists of {root} name images that are not in {images}", sorted(listed.difference(self._paths)))
        self._side = settings.size
        self.classes = load_classes("kvasir")
        self.ground_truth = KvasirTruth(truth, settings.size)
        self.validation_truth = self.ground_truth if self._ids["val"] else None
        own = root / "pseudo_labels"
        self.pseudo_labels = own if own.is_dir() else None

    def ids(self, split: Split) -> tuple[str, ...]:
        """Image ids of a split, in the order of its list, else sorted."""
        return self._ids[split]

    def image_path(self, image_id: str) -> Path:
        """The JPEG of an image, in its own size."""
        return self._paths[image_id]

    def size(self, image_id: str) -> tuple[int, int]:
        """(height, width) after resizing."""
        return image_size(self._paths[image_id]) if self._side is None else (self._side, self._side)

    def image(self, image_id: str) -> NDArray[np.uint8]:
        """RGB (H, W, 3) uint8, resized."""
        return _resized(read_image(self._paths[image_id]), self._side, Image.Resampling.BILINEAR)


def _resized(pixels: NDArray[np.uint8], side: int | None, how: Image.Resampling) -> NDArray[np.uint8]:
    return pixels if side is None else np.asarray(Image.fromarray(pixels).resize((side, side), how))


def _split(settings: KvasirSettings, found: tuple[str, ...]) -> dict[Split, tuple[str, ...]]:
    train = _listed(settings.train, settings.root / "train.txt", found)
    val = _listed(settings.val, settings.root / "val.txt", found)
    if val is None:
        count = max(round(_VALIDATION * len(found)), min(1, len(found) - 1))
        val = found[len(found) - count :] if train is None else _without(found, train)
    split: dict[Split, tuple[str, ...]] = {"train": _without(found, val) if train is None else train, "val": val}
    if not split["train"]:
        raise InputError(f"{settings.root} has no training image: its list of validation images names all")
    return split


def _listed(given: Path | None, usual: Path, found: tuple[str, ...]) -> tuple[str, ...] | None:
    """The ids of a list; None where none was given and there is none in its usual place."""
    return read_id_list(given or usual, set(found)) if given or usual.is_file() else None


def _without(ids: tuple[str, ...], others: tuple[str, ...]) -> tuple[str, ...]:
    left_out = set(others)
    return tuple(image_id for image_id in ids if image_id not in left_out)
