"""A label format as another package would add one: everything in one file of NumPy's, at most four classes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from a2lc.classes import ClassSet, parse_classes
from a2lc.formats import FORMATS, Likeness, Limits, Reading
from a2lc.formats.base import NO_SCORES, NOTHING_KNOWN, MapSource
from a2lc.foundation.errors import InputError


@dataclass(frozen=True)
class ToySet:
    """Reader of one .npz; fulfils `LabelSet`."""

    root: Path
    arrays: Mapping[str, NDArray[Any]]

    @property
    def classes(self) -> ClassSet:
        return parse_classes({"classes": self.arrays["classes"].tolist()}, str(self.root))

    def image_ids(self) -> list[str]:
        return sorted(name.removeprefix("labels:") for name in self.arrays if name.startswith("labels:"))

    def label_path(self, image_id: str) -> Path:
        return self.root

    def labels(self, image_id: str) -> NDArray[np.uint8]:
        return self.maps(image_id)[0]

    def masks(self, image_id: str) -> NDArray[np.int32]:
        return self.maps(image_id)[1]

    def maps(self, image_id: str) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
        if f"labels:{image_id}" not in self.arrays:
            raise InputError(f"{self.root} holds no image '{image_id}'")
        return self.arrays[f"labels:{image_id}"], self.arrays[f"masks:{image_id}"].astype(np.int32)


@dataclass(frozen=True)
class ToyWriter:
    """Collects the maps and writes them at the end."""

    path: Path
    classes: ClassSet
    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)

    def write(
        self,
        image_id: str,
        labels: NDArray[np.uint8],
        masks: NDArray[np.integer] | None,
        scores: Mapping[int, float] = NO_SCORES,
    ) -> None:
        assert masks is not None
        self.arrays[f"labels:{image_id}"] = labels
        self.arrays[f"masks:{image_id}"] = masks

    def finish(self) -> ToySet:
        with self.path.open("wb") as file:
            np.savez(file, classes=np.array(self.classes.names), **self.arrays)
        return ToySet(self.path, self.arrays | {"classes": np.array(self.classes.names)})


@dataclass(frozen=True)
class ToyFormat:
    """Fulfils `LabelFormat`."""

    looks: ClassVar[str] = "one .npz file of labels and masks"
    limits: ClassVar[Limits] = Limits(classes=4, names=True)

    def detect(self, path: Path) -> Likeness:
        return Likeness.YES if path.is_file() and path.read_bytes()[:2] == b"PK" else Likeness.NO

    def open(self, path: Path, reading: Reading = NOTHING_KNOWN) -> ToySet:
        if self.detect(path) != Likeness.YES:
            raise InputError(f"{path} is not {self.looks}: name another file")
        with np.load(path) as file:
            return ToySet(path, dict(file))

    def misfits(self, image_id: str, source: MapSource) -> Iterator[str]:
        yield from ()

    def writer(self, path: Path, classes: ClassSet, made_by: Mapping[str, Any]) -> ToyWriter:
        return ToyWriter(path, classes)


FORMATS.register("toy", ToyFormat())
