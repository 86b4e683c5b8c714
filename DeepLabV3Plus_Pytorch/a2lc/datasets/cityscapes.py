"""Cityscapes as its two packages unpack: leftImg8bit (images) and gtFine (labelIds, read as the 19 trainIds)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from a2lc.classes import load_classes
from a2lc.datasets.base import Split
from a2lc.datasets.id_list import read_id_list
from a2lc.datasets.location import explain_missing
from a2lc.formats.cityscapes import CityscapesLabels, is_split
from a2lc.foundation.errors import InputError, refuse
from a2lc.foundation.ids import valid_ids
from a2lc.foundation.images import image_size, read_image
from a2lc.foundation.settings import Decides, Settings

_IMAGES = (Path("leftImg8bit"), Path("leftImg8bit_trainvaltest", "leftImg8bit"))
_TRUTH = (Path("gtFine"), Path("gtFine_trainvaltest", "gtFine"))
_IMAGE_ENDING = "_leftImg8bit.png"


class CityscapesSettings(Settings):
    """Cityscapes, finely annotated."""

    name: Literal["cityscapes"]
    """Which data set: cityscapes."""
    root: Annotated[Path, Decides.SOURCE] = Path("data/cityscapes")
    """Folder that holds leftImg8bit/ and gtFine/, or leftImg8bit_trainvaltest/ and gtFine_trainvaltest/."""


@dataclass(frozen=True)
class CityscapesTruth:
    """Ground truth of a split; fulfils `LabelSource`.

    Attributes:
        files: Its label PNGs.
    """

    files: CityscapesLabels

    def labels(self, image_id: str) -> NDArray[np.uint8]:
        """TrainIds (H, W) uint8, 255 = void. Raises InputError when the file is missing or holds no labelIds."""
        path = self.label_path(image_id)
        if not path.is_file():
            raise InputError(
                f"{path} does not exist but other images of the split have ground truth: unpack "
                "gtFine_trainvaltest.zip again, or remove the image"
            )
        return self.files.labels(image_id)

    def label_path(self, image_id: str) -> Path:
        """The PNG of labelIds."""
        return self.files.label_path(image_id)


class Cityscapes:
    """Cityscapes, splits train and val; image ids are `<city>_<sequence>_<frame>`, without folder.

    Where leftImg8bit/train.txt exists it lists the training images; else all of them are. A split without any file
    of labelIds has no ground truth.

    Raises:
        InputError: When the images are not there, or train.txt names one that is not.
    """

    def __init__(self, settings: CityscapesSettings) -> None:
        root = settings.root
        folder = _first_folder(root, _IMAGES)
        if folder is None:
            raise explain_missing(root / _IMAGES[0], root, _IMAGES, _instruction(root))
        splits: tuple[Split, ...] = get_args(Split)
        if _first_folder(root, _TRUTH) is None and _first_folder(root.resolve().parent, _TRUTH):
            raise explain_missing(root / _TRUTH[0], root, _TRUTH, _instruction(root))  # one of the two packages
        self._paths = {split: _find_images(folder / split) for split in splits}
        if not self._paths["train"]:
            raise InputError(f"{folder / 'train'} holds no <city>/*{_IMAGE_ENDING}: {_instruction(root)}")
        self._training_ids = _training_ids(folder / "train.txt", tuple(self._paths["train"]))
        self.classes = load_classes("cityscapes")
        truth = _first_folder(root, _TRUTH)
        self.ground_truth = _open_truth(truth / "train") if truth else None
        self.validation_truth = _open_truth(truth / "val") if truth else None
        self.pseudo_labels = None

    def ids(self, split: Split) -> tuple[str, ...]:
        """Image ids of a split, sorted; those of train in the order of train.txt where that exists."""
        return self._training_ids if split == "train" else tuple(self._paths[split])

    def image_path(self, image_id: str) -> Path:
        """The PNG of an image."""
        return next(paths[image_id] for paths in self._paths.values() if image_id in paths)

    def size(self, image_id: str) -> tuple[int, int]:
        """(height, width) of the image."""
        return image_size(self.image_path(image_id))

    def image(self, image_id: str) -> NDArray[np.uint8]:
        """RGB (H, W, 3) uint8."""
        return read_image(self.image_path(image_id))


def _first_folder(root: Path, candidates: tuple[Path, ...]) -> Path | None:
    return next((root / candidate for candidate in candidates if (root / candidate).is_dir()), None)


def _find_images(folder: Path) -> dict[str, Path]:
    """Image id → file, sorted by id; hidden files are passed over."""
    paths = list(folder.glob(f"*/[!.]*{_IMAGE_ENDING}"))
    ids = valid_ids([path.name.removesuffix(_IMAGE_ENDING) for path in paths], folder)
    return dict(sorted(zip(ids, paths, strict=True)))


def _training_ids(listed: Path, found: tuple[str, ...]) -> tuple[str, ...]:
    if not listed.is_file():
        return found
    ids = read_id_list(listed, set(found))
    refuse(f"{listed} names images that are not in {listed.with_suffix('')}", sorted(set(ids).difference(found)))
    return ids


def _open_truth(folder: Path) -> CityscapesTruth | None:
    """Ground truth of a split; None where the folder has no file of labelIds."""
    return CityscapesTruth(CityscapesLabels(folder)) if is_split(folder) else None


def _instruction(root: Path) -> str:
    return (
        "Cityscapes cannot be downloaded without a personal login; register at www.cityscapes-dataset.com, fetch "
        f"leftImg8bit_trainvaltest.zip and gtFine_trainvaltest.zip, unpack both in {root}, "
        "or set dataset.root to the folder where they are unpacked"
    )
