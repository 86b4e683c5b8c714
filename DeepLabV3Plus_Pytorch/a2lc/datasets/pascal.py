"""PASCAL VOC 2012 in its official layout."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray

from a2lc.classes import load_classes
from a2lc.datasets.base import Split
from a2lc.datasets.id_list import read_id_list
from a2lc.datasets.location import explain_missing
from a2lc.formats.png import LabelFolder
from a2lc.foundation.errors import InputError
from a2lc.foundation.ids import below
from a2lc.foundation.images import image_size, read_image
from a2lc.foundation.settings import Decides, Settings

_BASE = Path("VOCdevkit", "VOC2012")


class PascalSettings(Settings):
    """PASCAL VOC 2012."""

    name: Literal["pascal"]
    """Which data set: pascal."""
    root: Annotated[Path, Decides.SOURCE] = Path("data/pascal")
    """Folder that holds VOCdevkit/VOC2012."""
    download: Annotated[bool, Decides.SOURCE] = False
    """Download the data into `root` when it is not there (2 GB)."""
    train: Path | None = None
    """List of training image ids, one a line; empty = the official one."""
    val: Path | None = None
    """List of validation image ids, one a line; empty = the official one."""
    annotations: str = "SegmentationClass"
    """Folder of the ground truth below VOCdevkit/VOC2012. With one that is not VOC's, as SegmentationClassAug,
    to which SBD has added, an empty `train` means all its images that are not for validation: 10,582."""


class Pascal:
    """PASCAL VOC 2012, splits train and val of ImageSets/Segmentation or of lists of your own; palette PNG, 255 = void.

    Raises:
        InputError: When the data is not there and `download` is off, or the download fails.
    """

    def __init__(self, settings: PascalSettings) -> None:
        self._base = settings.root / _BASE
        if not self._base.is_dir() and settings.download:
            _download(settings.root)
        if not self._base.is_dir():
            remedy = "set dataset.root to the folder that holds VOCdevkit/VOC2012, or add dataset.download=true"
            raise explain_missing(self._base, settings.root, [_BASE], remedy)
        lists = self._base / "ImageSets" / "Segmentation"
        own = settings.annotations == PascalSettings.model_fields["annotations"].default
        official = lists / "train.txt" if own else None
        self._lists = {"train": settings.train or official, "val": settings.val or lists / "val.txt"}
        self.classes = load_classes("pascal")
        self.ground_truth = self._truth(settings.annotations)
        self.validation_truth = self.ground_truth
        self.pseudo_labels = None

    def _truth(self, name: str) -> LabelFolder:
        folder = self._base / name
        if not folder.is_dir():
            raise InputError(
                f"{folder} does not exist: set dataset.annotations to a folder of label PNGs there, SegmentationClass "
                "for those of VOC itself"
            )
        return LabelFolder(folder, len(self.classes), self.classes.void)

    def ids(self, split: Split) -> tuple[str, ...]:
        """Image ids of the split's list, in its order; without a list all others that have ground truth, sorted."""
        listed = self._lists[split]
        if listed is not None:
            return read_id_list(listed)
        return tuple(sorted(set(self.ground_truth.image_ids()) - set(self.ids("val"))))

    def image_path(self, image_id: str) -> Path:
        """The JPEG of an image."""
        return below(self._base / "JPEGImages", image_id, ".jpg")

    def size(self, image_id: str) -> tuple[int, int]:
        """(height, width) of the image."""
        return image_size(self.image_path(image_id))

    def image(self, image_id: str) -> NDArray[np.uint8]:
        """RGB (H, W, 3) uint8."""
        return read_image(self.image_path(image_id))


def _download(root: Path) -> None:
    from torchvision.datasets import VOCSegmentation

    root.mkdir(parents=True, exist_ok=True)
    try:
        VOCSegmentation(str(root), year="2012", image_set="train", download=True)
    except (OSError, RuntimeError) as error:
        raise InputError(
            f"PASCAL VOC 2012 could not be downloaded ({error}): fetch VOCtrainval_11-May-2012.tar by other means and "
            f"unpack it in {root}"
        ) from None
