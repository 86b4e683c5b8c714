"""Pseudo-label sets on disk: initial labels L₀ and masks S per image, written once and never changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from a2lc.classes import ClassSet
from a2lc.foundation.errors import InputError
from a2lc.foundation.files import read_json, write_json
from a2lc.foundation.images import read_index_map, write_label_map, write_mask_map

SCHEMA_VERSION = 1
Undetected = Literal["none", "mask"]


@dataclass(frozen=True)
class Layout:
    """Names of the two folders of a pseudo-label set."""

    labels: str
    masks: str


NATIVE = Layout("labels", "masks")
RESEARCH = Layout("mask_jpg", "obj_jpg")  # the published Grounded-SAM masks; the folders hold 8-bit PNG


@dataclass(frozen=True)
class PseudoLabelSet:
    """Reader of a pseudo-label set; fulfils `LabelSource`.

    Attributes:
        root: The folder of the set.
        layout: Which folders hold labels and masks.
        manifest: Content of manifest.json; empty for the research layout.
        undetected: What an image without detections holds where the research layout says so with 255 everywhere: no
            mask, or, as the official code reads it, one mask as large as the image.
    """

    root: Path
    layout: Layout
    manifest: Mapping[str, Any] = field(default_factory=dict)
    undetected: Undetected = "none"

    def label_path(self, image_id: str) -> Path:
        """File of the label map."""
        return self.root / self.layout.labels / f"{image_id}.png"

    def mask_path(self, image_id: str) -> Path:
        """File of the mask map."""
        return self.root / self.layout.masks / f"{image_id}.png"

    def labels(self, image_id: str) -> NDArray[np.uint8]:
        """Initial label map L₀ (H, W) uint8. Raises InputError when it is missing or unreadable."""
        path = self.label_path(image_id)
        labels = read_index_map(path)
        if labels.dtype != np.uint8:
            raise InputError(f"{path} has {labels.dtype} pixels: a label map needs 8 bits, class index or 255 for void")
        return labels.astype(np.uint8, copy=False)

    def masks(self, image_id: str) -> NDArray[np.int32]:
        """Mask map S (H, W) int32, 0 = no mask. Raises InputError when it is missing or unreadable."""
        masks = read_index_map(self.mask_path(image_id)).astype(np.int32)
        nothing_detected = self.layout == RESEARCH and masks.size and masks.min() == 255
        return np.zeros_like(masks) if nothing_detected and self.undetected == "none" else masks

    def image_ids(self) -> list[str]:
        """Ids of the images that the manifest lists, or, without one, that have a label map; sorted."""
        if "images" in self.manifest:
            return sorted(self.manifest["images"])
        folder = self.root / self.layout.labels
        return sorted(path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("[!.]*.png"))


def open_pseudo_labels(root: Path, undetected: Undetected = "none") -> PseudoLabelSet:
    """Open a pseudo-label set in our layout (labels/, masks/, manifest.json) or the research one.

    Args:
        root: The folder of the set.
        undetected: See `PseudoLabelSet`; has a meaning in the research layout only.

    Raises:
        InputError: When the folder holds neither, or its manifest is missing or from another version.
    """
    if (root / RESEARCH.labels).is_dir() and (root / RESEARCH.masks).is_dir():
        return PseudoLabelSet(root, RESEARCH, undetected=undetected)
    if not ((root / NATIVE.labels).is_dir() and (root / NATIVE.masks).is_dir()):
        what = "is not a pseudo-label set" if root.is_dir() else "does not exist"
        raise InputError(
            f"{root} {what}: expected a folder with labels/ and masks/ and manifest.json, "
            "or with mask_jpg/ and obj_jpg/ (research layout)"
        )
    path = root / "manifest.json"
    if not path.is_file():
        raise InputError(f"{path} is missing: the set was not finished; run the command that makes it again")
    try:
        manifest = read_json(path)
    except ValueError as error:
        raise InputError(f"{path} is not valid JSON ({error}): make the set again") from None
    if manifest.get("schema") != SCHEMA_VERSION:
        raise InputError(
            f"{path} has schema {manifest.get('schema')}, this version reads {SCHEMA_VERSION}: make the set again"
        )
    return PseudoLabelSet(root, NATIVE, manifest)


class PseudoLabelWriter:
    """Writes a pseudo-label set image by image; the manifest comes last and marks it as finished.

    Args:
        root: Target folder.
        classes: Classes, for names and palette.
        made_by: How the set was made (backend, prompts, thresholds, ...); no times, no host names.
    """

    def __init__(self, root: Path, classes: ClassSet, made_by: Mapping[str, Any]) -> None:
        self._set = PseudoLabelSet(root, NATIVE)
        self._classes = classes
        self._made_by = dict(made_by)
        self._images: dict[str, dict[str, Any]] = {}

    def write(self, image_id: str, labels: NDArray[np.uint8], masks: NDArray[np.integer]) -> dict[str, Any]:
        """Write one image's label map (H, W) uint8 and mask map (H, W), ids 0..65535, each atomically.

        Returns:
            The image's entry in the manifest: its size (height, width) and how many masks it has.

        Raises:
            ValueError: When the two differ in shape or a mask id does not fit into 16 bits.
        """
        if labels.shape != masks.shape:
            raise ValueError(f"labels of '{image_id}' are {labels.shape} but its masks are {masks.shape}")
        write_mask_map(self._set.mask_path(image_id), masks)
        write_label_map(self._set.label_path(image_id), labels, self._classes.palette())
        count = int(np.count_nonzero(np.unique(masks)))
        self._images[image_id] = {"size": list(labels.shape), "masks": count}
        return self._images[image_id]

    def finish(self, images: Mapping[str, Mapping[str, Any]] | None = None) -> PseudoLabelSet:
        """Write manifest.json and return the finished set.

        Args:
            images: The entry of every image, where others wrote some of them; None = the images written here.
        """
        manifest = {
            "schema": SCHEMA_VERSION,
            "classes": list(self._classes.names),
            "void": self._classes.void,
            "unmasked": self._classes.unmasked,
            "made_by": self._made_by,
            "images": self._images if images is None else dict(images),
        }
        write_json(self._set.root / "manifest.json", manifest)
        return PseudoLabelSet(self._set.root, NATIVE, manifest)
