"""One small file per image, written last: it says that the image is finished and what was detected in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NotRequired

from pydantic import Field, NonNegativeInt, PositiveInt
from typing_extensions import TypedDict  # pydantic wants it before Python 3.12

from a2lc.foundation.files import is_there, read_json, write_json, write_text
from a2lc.foundation.ids import inside
from a2lc.foundation.readers.schema import record
from grounded_sam.detections import Detections

_FOLDER = "records"


_REMEDY = "delete it, and the same command makes it again"


@record
class _Detection(TypedDict):
    """What a record says of a mask."""

    mask: PositiveInt
    score: float
    box: Annotated[list[float], Field(min_length=4, max_length=4)]


@record
class _Record(TypedDict):
    """What a record must hold; what else it holds is kept as it is."""

    size: Annotated[list[PositiveInt], Field(min_length=2, max_length=2)]
    masks: NonNegativeInt
    detections: NotRequired[list[_Detection]]


@dataclass(frozen=True)
class Records:
    """The records of a pseudo-label set.

    A record holds `size` (height, width), `masks` (how many are visible), `orientation` (of the EXIF data, where it was
    not 1) and `detections`: per mask id, from 1, its class name, score and box (x0, y0, x1, y1 in pixels).

    Attributes:
        folder: Where they lie.
    """

    folder: Path

    @classmethod
    def of(cls, root: Path) -> Records:
        """The records of the set in a folder; there are none where the set was not generated here."""
        return cls(root / _FOLDER)

    def path(self, image_id: str) -> Path:
        """The record of an image."""
        return inside(self.folder, image_id, ".json")

    def _note(self, image_id: str) -> Path:
        """Why an image was left out."""
        return inside(self.folder, image_id, ".unreadable")

    def is_finished(self, image_id: str) -> bool:
        """Whether label map, mask map and record of the image are there."""
        return is_there(self.path(image_id))

    def write(self, image_id: str, entry: Mapping[str, Any], detections: Detections, names: Sequence[str]) -> None:
        """Say that an image is finished.

        Args:
            image_id: The image; its maps are written already.
            entry: What the manifest says about it: size, masks, orientation.
            detections: What was painted, in the order of mask ids.
            names: Class names in index order.
        """
        columns = detections.classes.tolist(), detections.scores, detections.boxes
        listed = [
            {"mask": index, "class": names[label], "score": _short(score), "box": [_short(edge) for edge in box]}
            for index, (label, score, box) in enumerate(zip(*columns, strict=True), start=1)
        ]
        write_json(self.path(image_id), {**entry, "detections": listed})

    def entry(self, image_id: str) -> dict[str, Any]:
        """What the manifest says about a finished image. Raises InputError when its record is damaged."""
        path = self.path(image_id)
        found = read_json(path, _Record, _REMEDY)
        return {key: value for key, value in found.items() if key != "detections"}

    def note_unreadable(self, image_ids: Sequence[str], problems: Sequence[str]) -> None:
        """Say that images are left out because of files that cannot be read, one sentence each."""
        for image_id in image_ids:
            write_text(self._note(image_id), "\n".join(problems) + "\n")

    def forget_unreadable(self, image_ids: Sequence[str]) -> None:
        """Take notes of an earlier run back: the images are tried again."""
        for image_id in image_ids:
            self._note(image_id).unlink(missing_ok=True)

    def unreadable(self, image_ids: Sequence[str]) -> dict[str, list[str]]:
        """{image id: why it was left out} for those of the images that were."""
        notes = {image_id: self._note(image_id) for image_id in image_ids}
        return {key: path.read_text(encoding="utf-8").splitlines() for key, path in notes.items() if path.is_file()}


def _short(value: Any) -> float:
    """The shortest decimal number that is this float32."""
    return float(str(value))
