"""The seam between label files and the rest of the house: what a label format can do, hold, read and write."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from a2lc.classes import MAX_CLASSES, ClassSet
from a2lc.foundation.ids import valid_ids

MAX_MASK_ID = 65535  # a mask map has 16 bits
Undetected = Literal["none", "mask"]
NO_SCORES: Mapping[int, float] = {}


class Likeness(IntEnum):
    """How much a path looks like a format, judged by names alone."""

    NO = 0
    PERHAPS = 1
    YES = 2


@dataclass(frozen=True)
class Reading:
    """What the files themselves leave open.

    Attributes:
        classes: The classes the labels are meant for; None = not known, so nothing is held against them.
        undetected: What an image without detections holds where a format says so with a mask map of 255 everywhere: no
            mask, or, as the official code reads it, one mask as large as the image.
    """

    classes: ClassSet | None = None
    undetected: Undetected = "none"


NOTHING_KNOWN = Reading()


@dataclass(frozen=True)
class Limits:
    """What a format can hold at most.

    Attributes:
        masks: Whether it holds mask maps; one that does needs them for every image.
        mask_id: Largest mask id.
        classes: Largest number of classes.
        names: Whether the names of the classes are kept.
        fixed: The only classes it is made for; None = any.

    Example:
        >>> Limits(masks=False, classes=100).sentences()
        ('no masks', 'at most 100 classes', 'no class names')
    """

    masks: bool = True
    mask_id: int = MAX_MASK_ID
    classes: int = MAX_CLASSES
    names: bool = False
    fixed: ClassSet | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.classes <= MAX_CLASSES:
            raise ValueError(f"a label map holds 1 to {MAX_CLASSES} classes, not {self.classes}")
        if not 1 <= self.mask_id <= MAX_MASK_ID:
            raise ValueError(f"a mask map holds ids up to 1 to {MAX_MASK_ID}, not {self.mask_id}")

    def sentences(self) -> tuple[str, ...]:
        """What cannot be held, for a reader."""
        lines = [] if self.masks else ["no masks"]
        if self.masks and self.mask_id < MAX_MASK_ID:
            lines.append(f"no mask id above {self.mask_id}")
        lines.append(self._classes())
        if not self.names:
            lines.append("no class names")
        return tuple(lines)

    def misfits(self, classes: ClassSet) -> list[str]:
        """Sentences about classes that do not fit; empty when they do."""
        if self.fixed and (classes.names, classes.void) != (self.fixed.names, self.fixed.void):
            return [f"this format holds {self._classes()}, with void {self.fixed.void}"]
        if len(classes) > self.classes:
            return [f"there are {len(classes)} classes, but this format holds {self._classes()}"]
        return []

    def _classes(self) -> str:
        return f"no classes but {', '.join(self.fixed.names)}" if self.fixed else f"at most {self.classes} classes"


class MapSource(Protocol):
    """Label and mask maps of images, read from files or derived."""

    def labels(self, image_id: str) -> NDArray[np.uint8]:
        """Label map (H, W) uint8, class index or void. Raises InputError when it is missing or cannot be read."""
        ...

    def masks(self, image_id: str) -> NDArray[np.int32] | None:
        """Mask map (H, W) int32, 0 = no mask; None where there is none. Raises InputError as `labels`."""
        ...

    def maps(self, image_id: str) -> tuple[NDArray[np.uint8], NDArray[np.int32] | None]:
        """Both, each file read once."""
        ...


@runtime_checkable
class LabelSet(MapSource, Protocol):
    """Maps that lie in files; fulfils `LabelSource`."""

    @property
    def root(self) -> Path:
        """The folder or file it was opened from."""
        ...

    @property
    def classes(self) -> ClassSet | None:
        """The classes that the files name; None where they name none."""
        ...

    def image_ids(self) -> list[str]:
        """Ids of all images that have labels, sorted."""
        ...

    def label_path(self, image_id: str) -> Path:
        """The file that holds the labels of an image."""
        ...


class PseudoLabelSet(LabelSet, Protocol):
    """A label set with masks: initial labels L₀ and masks S per image."""

    @property
    def manifest(self) -> Mapping[str, Any]:
        """How the set was made, as its manifest.json says; empty where there is none."""
        ...

    def mask_path(self, image_id: str) -> Path:
        """The file that holds the masks of an image."""
        ...

    def masks(self, image_id: str) -> NDArray[np.int32]:
        """Mask map S (H, W) int32, 0 = no mask. Raises InputError when it is missing or cannot be read."""
        ...

    def maps(self, image_id: str) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
        """Label and mask map, each file read once."""
        ...


class LabelWriter(Protocol):
    """Writes labels image by image into a folder or file of a format."""

    def write(
        self,
        image_id: str,
        labels: NDArray[np.uint8],
        masks: NDArray[np.integer] | None,
        scores: Mapping[int, float] = NO_SCORES,
    ) -> object:
        """Write one image.

        Args:
            image_id: The image.
            labels: (H, W) uint8.
            masks: (H, W) mask ids, 0 = no mask; None = write labels alone.
            scores: {mask id: confidence in [0, 1]} of the masks that have one; dropped where there is no place for it.
        """
        ...

    def finish(self) -> LabelSet:
        """Write what stands once for all images, and open the finished set."""
        ...


class LabelFormat(Protocol):
    """One way of keeping labels in files: reads, and writes where it can.

    An implementation is a module of its own that registers itself in `a2lc.formats.FORMATS`.
    """

    @property
    def looks(self) -> str:
        """What such a path looks like, as in "expected a folder with labels/ and masks/"."""
        ...

    @property
    def limits(self) -> Limits:
        """What it can hold."""
        ...

    def detect(self, path: Path) -> Likeness:
        """How much a path looks like this format; reads no pixel and never raises."""
        ...

    def open(self, path: Path, reading: Reading = NOTHING_KNOWN) -> LabelSet:
        """Open labels of this format. Raises InputError when the path does not hold them."""
        ...

    def misfits(self, image_id: str, source: MapSource) -> Iterable[str]:
        """Sentences about what of an image cannot be held; reads only the maps that decide about it."""
        ...

    def writer(self, path: Path, classes: ClassSet, made_by: Mapping[str, Any]) -> LabelWriter:
        """Begin a set. Raises InputError where the format is only read.

        Args:
            path: A new folder, or a new file.
            classes: The classes.
            made_by: How the labels were made, for formats that keep it; no times, no host names.
        """
        ...


def ids_below(folder: Path, ending: str = ".png") -> list[str]:
    """Paths of the files below a folder without ending, '/' between folders, sorted; hidden ones are left out.

    Raises:
        InputError: Lists the files whose names cannot be image ids.
    """
    found = folder.rglob(f"[!.]*{ending}")
    return sorted(valid_ids([path.relative_to(folder).as_posix().removesuffix(ending) for path in found], folder))
