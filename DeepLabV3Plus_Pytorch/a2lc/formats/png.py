"""A plain folder of label PNGs, one per image, as in PASCAL VOC's SegmentationClass; no masks, no class names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from a2lc.classes import MAX_CLASSES, ClassSet
from a2lc.formats.base import NO_SCORES, NOTHING_KNOWN, Likeness, Limits, MapSource, Reading, ids_below
from a2lc.foundation.errors import InputError
from a2lc.foundation.ids import below, inside
from a2lc.foundation.images import read_index_map, write_label_map

_PREDICTED = "labels"


def _is_prediction(path: Path) -> bool:
    """Whether a folder is what predict writes: labels/ and overlays/, and no masks."""
    return (path / _PREDICTED).is_dir() and (path / "overlays").is_dir() and not (path / "masks").exists()


@dataclass(frozen=True)
class LabelFolder:
    """Label maps `<folder>/<image id>.png`; fulfils `LabelSet` and `LabelSource`.

    Attributes:
        folder: Where the PNGs lie.
        num_classes: Indices must lie below it or be void.
        void: Index of void.

    Example:
        >>> LabelFolder(Path("data/voc/VOCdevkit/VOC2012/SegmentationClass"), 21).labels("2007_000032").shape
        (281, 500)
    """

    folder: Path
    num_classes: int
    void: int = 255

    @property
    def root(self) -> Path:
        """The folder."""
        return self.folder

    @property
    def classes(self) -> None:
        """PNGs name no classes."""
        return None

    def image_ids(self) -> list[str]:
        """Ids of all PNGs below the folder, sorted."""
        return ids_below(self.folder)

    def label_path(self, image_id: str) -> Path:
        """File of the label map."""
        return below(self.folder, image_id, ".png")

    def labels(self, image_id: str) -> NDArray[np.uint8]:
        """Label map (H, W) uint8. Raises InputError when it is missing, unreadable or holds an unknown class index."""
        path = self.label_path(image_id)
        labels = read_index_map(path)
        outside = labels[(labels >= self.num_classes) & (labels != self.void)]
        if outside.size:
            raise InputError(
                f"{path} has class index {int(outside[0])}, outside the {self.num_classes} classes "
                f"(0 to {self.num_classes - 1}, void {self.void}): is it made for this class list?"
            )
        return labels.astype(np.uint8)

    def masks(self, image_id: str) -> None:
        """There are none."""
        return None

    def maps(self, image_id: str) -> tuple[NDArray[np.uint8], None]:
        """The label map, and no mask map."""
        return self.labels(image_id), None


@dataclass(frozen=True)
class LabelFolderWriter:
    """Writes palette PNGs with the colours of the classes."""

    root: Path
    classes: ClassSet

    def write(
        self,
        image_id: str,
        labels: NDArray[np.uint8],
        masks: NDArray[np.integer] | None,
        scores: Mapping[int, float] = NO_SCORES,
    ) -> None:
        """Write one label map (H, W) uint8, atomically. Raises ValueError when masks are given."""
        if masks is not None:
            raise ValueError(f"'{image_id}' has a mask map, for which label PNGs have no place")
        write_label_map(inside(self.root, image_id, ".png"), labels, self.classes.palette())

    def finish(self) -> LabelFolder:
        """The written folder."""
        return LabelFolder(self.root, len(self.classes), self.classes.void)


@dataclass(frozen=True)
class LabelPngs:
    """Folders of label PNGs; fulfils `LabelFormat`."""

    looks: ClassVar[str] = "a folder of label PNGs named like the images, or the output of a2lc predict"
    limits: ClassVar[Limits] = Limits(masks=False)

    def detect(self, path: Path) -> Likeness:
        """YES for what predict writes, PERHAPS for any folder: PNGs alone say nothing about what they hold."""
        if _is_prediction(path):
            return Likeness.YES
        return Likeness.PERHAPS if path.is_dir() else Likeness.NO

    def open(self, path: Path, reading: Reading = NOTHING_KNOWN) -> LabelFolder:
        """Open a folder. Raises InputError when it does not exist."""
        if not path.is_dir():
            raise InputError(f"{path} does not exist: expected {self.looks}")
        path = path / _PREDICTED if _is_prediction(path) else path
        if reading.classes is None:
            return LabelFolder(path, MAX_CLASSES)
        return LabelFolder(path, len(reading.classes), reading.classes.void)

    def misfits(self, image_id: str, source: MapSource) -> Iterator[str]:
        """Nothing beyond the limits."""
        yield from ()

    def writer(self, path: Path, classes: ClassSet, made_by: Mapping[str, Any]) -> LabelFolderWriter:
        """Begin a folder; there is no place for `made_by`."""
        return LabelFolderWriter(path, classes)
