"""Two folders of PNGs side by side, label maps in one and mask maps in the other: what two of the formats share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from a2lc.classes import ClassSet, parse_classes
from a2lc.formats.base import Likeness, ids_below
from a2lc.foundation.errors import InputError
from a2lc.foundation.ids import below
from a2lc.foundation.images import read_index_map


@dataclass(frozen=True)
class MapFolders:
    """Reader of `<labels>/<image id>.png` and `<masks>/<image id>.png`; fulfils `PseudoLabelSet`.

    Attributes:
        root: The folder that holds both.
        manifest: Content of manifest.json; empty where there is none.
    """

    labels_folder: ClassVar[str]
    masks_folder: ClassVar[str]

    root: Path
    manifest: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def likeness(cls, root: Path) -> Likeness:
        """YES when both folders are there, PERHAPS when one is."""
        there = (root / cls.labels_folder).is_dir(), (root / cls.masks_folder).is_dir()
        return Likeness(sum(there))

    @property
    def classes(self) -> ClassSet | None:
        """The classes that the manifest names, in colours of the VOC palette; None where there is no manifest."""
        if not self.manifest:
            return None
        content = {key: self.manifest[key] for key in ("classes", "void", "unmasked") if key in self.manifest}
        return parse_classes(content, str(self.root / "manifest.json"))

    def label_path(self, image_id: str) -> Path:
        """File of the label map."""
        return below(self.root / self.labels_folder, image_id, ".png")

    def mask_path(self, image_id: str) -> Path:
        """File of the mask map."""
        return below(self.root / self.masks_folder, image_id, ".png")

    def labels(self, image_id: str) -> NDArray[np.uint8]:
        """Initial label map L₀ (H, W) uint8. Raises InputError when it is missing or unreadable."""
        path = self.label_path(image_id)
        labels = read_index_map(path)
        if labels.dtype != np.uint8:
            raise InputError(f"{path} has {labels.dtype} pixels: a label map needs 8 bits, class index or 255 for void")
        return labels.astype(np.uint8, copy=False)

    def masks(self, image_id: str) -> NDArray[np.int32]:
        """Mask map S (H, W) int32, 0 = no mask. Raises InputError when it is missing or unreadable."""
        return read_index_map(self.mask_path(image_id)).astype(np.int32)

    def maps(self, image_id: str) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
        """Label map and mask map, each read once."""
        return self.labels(image_id), self.masks(image_id)

    def image_ids(self) -> list[str]:
        """Ids of the images that the manifest lists, or, without one, that have a label map; sorted."""
        if "images" in self.manifest:
            return sorted(self.manifest["images"])
        return ids_below(self.root / self.labels_folder)
