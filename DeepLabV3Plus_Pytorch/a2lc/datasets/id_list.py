"""Ground truth in a folder of PNGs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from a2lc.foundation.errors import InputError
from a2lc.foundation.images import read_index_map


@dataclass(frozen=True)
class LabelFolder:
    """Label maps `<folder>/<image id>.png`; fulfils `LabelSource`.

    Attributes:
        folder: Where the PNGs lie.
        num_classes: Indices must lie below it or be void.
        void: Index of void.
    """

    folder: Path
    num_classes: int
    void: int = 255

    def labels(self, image_id: str) -> NDArray[np.uint8]:
        """Label map (H, W) uint8. Raises InputError when it is missing, unreadable or holds an unknown class index."""
        path = self.folder / f"{image_id}.png"
        labels = read_index_map(path)
        outside = labels[(labels >= self.num_classes) & (labels != self.void)]
        if outside.size:
            raise InputError(
                f"{path} has class index {int(outside[0])}, outside the {self.num_classes} classes "
                f"(0 to {self.num_classes - 1}, void {self.void}): is it made for this class list?"
            )
        return labels.astype(np.uint8)


def read_id_list(path: Path) -> tuple[str, ...]:
    """Image ids of a list file, one a line; blank lines are passed over.

    Raises:
        InputError: When the file is missing, empty, or names an image twice.
    """
    if not path.is_file():
        raise InputError(f"{path} does not exist: it lists the image ids, one a line")
    ids = [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    if not ids:
        raise InputError(f"{path} is empty: it lists the image ids, one a line")
    if len(set(ids)) < len(ids):
        twice = sorted({image_id for image_id in ids if ids.count(image_id) > 1})
        raise InputError(f"{path} names '{twice[0]}' twice: remove one of the lines")
    return tuple(ids)
