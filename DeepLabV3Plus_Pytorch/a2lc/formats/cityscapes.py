"""The label PNGs of Cityscapes: `<city>/<image id>_gtFine_labelIds.png`, read as the 19 trainIds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from a2lc.classes import ClassSet, load_classes
from a2lc.formats.base import NO_SCORES, NOTHING_KNOWN, Likeness, Limits, MapSource, Reading
from a2lc.foundation.errors import InputError
from a2lc.foundation.ids import below, inside, valid_ids
from a2lc.foundation.images import read_index_map, write_image

LABEL_IDS = (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)  # position = trainId
VOID = 255  # also how an 8-bit file holds labelId -1, licence plates
_ENDING = "_gtFine_labelIds.png"
_LARGEST_LABEL_ID = 33
_UNLABELLED = 0  # labelId of what is not evaluated


@dataclass(frozen=True)
class CityscapesLabels:
    """Labels of one split; fulfils `LabelSet` and `LabelSource`. Image ids are `<city>_<sequence>_<frame>`.

    Attributes:
        root: The split's folder below gtFine/.
    """

    root: Path

    @property
    def classes(self) -> ClassSet:
        """The 19 classes that are evaluated."""
        return load_classes("cityscapes")

    def image_ids(self) -> list[str]:
        """Ids of all images with a file of labelIds, sorted; hidden files are passed over."""
        found = self.root.glob(f"*/[!.]*{_ENDING}")
        return sorted(valid_ids([path.name.removesuffix(_ENDING) for path in found], self.root))

    def label_path(self, image_id: str) -> Path:
        """The file of labelIds."""
        return below(self.root, f"{_city(image_id)}/{image_id}", _ENDING)

    def labels(self, image_id: str) -> NDArray[np.uint8]:
        """TrainIds (H, W) uint8, 255 = void. Raises InputError when the file is missing or holds no labelIds."""
        path = self.label_path(image_id)
        label_ids = read_index_map(path)
        unknown = label_ids[(label_ids > _LARGEST_LABEL_ID) & (label_ids != VOID)]
        if unknown.size:
            raise InputError(
                f"{path} has labelId {int(unknown[0])}, but labelIds end at {_LARGEST_LABEL_ID}: is it a file of "
                "another kind (instanceIds, color)? Unpack gtFine_trainvaltest.zip again"
            )
        return _train_ids()[label_ids]

    def masks(self, image_id: str) -> None:
        """There are none: instanceIds are not read."""
        return None

    def maps(self, image_id: str) -> tuple[NDArray[np.uint8], None]:
        """The label map, and no mask map."""
        return self.labels(image_id), None


def is_split(folder: Path) -> bool:
    """Whether a folder has files of labelIds, in a folder per city."""
    return any(folder.glob(f"*/[!.]*{_ENDING}"))


@dataclass(frozen=True)
class CityscapesWriter:
    """Writes labelIds, which the official evaluation wants; void becomes labelId 0, 'unlabeled'."""

    root: Path

    def write(
        self,
        image_id: str,
        labels: NDArray[np.uint8],
        masks: NDArray[np.integer] | None,
        scores: Mapping[int, float] = NO_SCORES,
    ) -> None:
        """Write one map of trainIds (H, W) uint8 as labelIds. Raises ValueError when masks are given."""
        if masks is not None:
            raise ValueError(f"'{image_id}' has a mask map, for which labelIds have no place")
        path = inside(self.root, f"{_city(image_id)}/{image_id}", _ENDING)
        write_image(path, _label_ids()[labels])  # two dimensions: greyscale

    def finish(self) -> CityscapesLabels:
        """The written split."""
        return CityscapesLabels(self.root)


@dataclass(frozen=True)
class Cityscapes:
    """A split of gtFine/; fulfils `LabelFormat`."""

    looks: ClassVar[str] = f"a folder of <city>/*{_ENDING}"

    @property
    def limits(self) -> Limits:
        """The 19 classes, no masks."""
        return Limits(masks=False, names=True, fixed=load_classes("cityscapes"))

    def detect(self, path: Path) -> Likeness:
        """YES when a city's folder holds labelIds."""
        return Likeness.YES if is_split(path) else Likeness.NO

    def open(self, path: Path, reading: Reading = NOTHING_KNOWN) -> CityscapesLabels:
        """Open a split. Raises InputError when it holds no labelIds."""
        if not is_split(path):
            raise InputError(f"{path} holds no labels of Cityscapes: expected {self.looks}")
        return CityscapesLabels(path)

    def misfits(self, image_id: str, source: MapSource) -> Iterator[str]:
        """Image ids that name no city, sequence and frame."""
        if "/" in image_id or len(image_id.rsplit("_", 2)) < 3:
            yield f"'{image_id}' is no image id of Cityscapes: expected <city>_<sequence>_<frame>, without folder"

    def writer(self, path: Path, classes: ClassSet, made_by: Mapping[str, Any]) -> CityscapesWriter:
        """Begin a split; there is no place for `made_by`."""
        return CityscapesWriter(path)


def _train_ids() -> NDArray[np.uint8]:
    """TrainId of each labelId, (256,) uint8; void for those that are not evaluated."""
    table = np.full(256, VOID, dtype=np.uint8)
    table[list(LABEL_IDS)] = np.arange(len(LABEL_IDS))
    return table


def _label_ids() -> NDArray[np.uint8]:
    """LabelId of each trainId, (256,) uint8; unlabelled for all others."""
    table = np.full(256, _UNLABELLED, dtype=np.uint8)
    table[: len(LABEL_IDS)] = LABEL_IDS
    return table


def _city(image_id: str) -> str:
    return image_id.rsplit("_", 2)[0]
