"""Our set: palette PNGs of labels, 16-bit PNGs of mask ids, and a manifest that marks the set as finished."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, NonNegativeInt, PositiveInt
from typing_extensions import TypedDict  # pydantic wants it before Python 3.12

from a2lc.classes import ClassSet
from a2lc.formats.base import NO_SCORES, NOTHING_KNOWN, Likeness, Limits, MapSource, Reading
from a2lc.formats.map_folders import MapFolders
from a2lc.foundation.errors import InputError
from a2lc.foundation.files import read_json, write_json
from a2lc.foundation.ids import inside, valid_ids
from a2lc.foundation.images import write_label_map, write_mask_map
from a2lc.foundation.readers.schema import fitted, record

SCHEMA_VERSION = 1
_MANIFEST = "manifest.json"
_REMEDY = "make the set again"


@record
class _Entry(TypedDict, total=False):
    """What a manifest says of an image."""

    size: Annotated[list[PositiveInt], Field(min_length=2, max_length=2)]
    masks: NonNegativeInt


@record
class _Manifest(TypedDict):
    """What a manifest must hold; what else it holds is kept as it is."""

    classes: list[Any]
    images: dict[str, _Entry]


@dataclass(frozen=True)
class NativeSet(MapFolders):
    """Reader of a set in our layout: labels/, masks/, manifest.json; fulfils `PseudoLabelSet`."""

    labels_folder: ClassVar[str] = "labels"
    masks_folder: ClassVar[str] = "masks"


class PseudoLabelWriter:
    """Writes a pseudo-label set image by image; the manifest comes last and marks it as finished.

    Args:
        root: Target folder.
        classes: Classes, for names and palette.
        made_by: How the set was made (backend, prompts, thresholds, ...); no times, no host names.

    Example:
        >>> writer = PseudoLabelWriter(Path("my_images/pseudo_labels"), load_classes("toyscapes"), {"backend": "mine"})
        >>> writer.write("photo_1", labels, masks)  # (H, W) uint8 and (H, W) integer
        >>> writer.finish().image_ids()
        ['photo_1']
    """

    def __init__(self, root: Path, classes: ClassSet, made_by: Mapping[str, Any]) -> None:
        self._set = NativeSet(root)
        self._classes = classes
        self._made_by = dict(made_by)
        self._images: dict[str, dict[str, Any]] = {}

    def write(
        self,
        image_id: str,
        labels: NDArray[np.uint8],
        masks: NDArray[np.integer] | None,
        scores: Mapping[int, float] = NO_SCORES,
    ) -> dict[str, Any]:
        """Write one image's label map (H, W) uint8 and mask map (H, W), ids 0..65535, each atomically.

        Returns:
            The image's entry in the manifest: its size (height, width) and how many masks it has.

        Raises:
            ValueError: When there are no masks, the two differ in shape, or a mask id does not fit into 16 bits.
        """
        if masks is None:
            raise ValueError(f"'{image_id}' has no mask map, which a pseudo-label set needs")
        if labels.shape != masks.shape:
            raise ValueError(f"labels of '{image_id}' are {labels.shape} but its masks are {masks.shape}")
        write_mask_map(inside(self._set.root / NativeSet.masks_folder, image_id, ".png"), masks)
        write_label_map(
            inside(self._set.root / NativeSet.labels_folder, image_id, ".png"), labels, self._classes.palette()
        )
        count = int(np.count_nonzero(np.unique(masks)))
        self._images[image_id] = {"size": list(labels.shape), "masks": count}
        return self._images[image_id]

    def finish(self, images: Mapping[str, Mapping[str, Any]] | None = None) -> NativeSet:
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
        write_json(self._set.root / _MANIFEST, manifest)
        return NativeSet(self._set.root, manifest)


@dataclass(frozen=True)
class Native:
    """The format of our sets; fulfils `LabelFormat`."""

    looks: ClassVar[str] = "a folder with labels/ and masks/ and manifest.json"
    limits: ClassVar[Limits] = Limits(names=True)

    def detect(self, path: Path) -> Likeness:
        """YES for a finished set, PERHAPS for one of the two folders or a set without manifest."""
        likeness = NativeSet.likeness(path)
        return likeness if (path / _MANIFEST).is_file() else min(likeness, Likeness.PERHAPS)

    def open(self, path: Path, reading: Reading = NOTHING_KNOWN) -> NativeSet:
        """Open a finished set. Raises InputError when it is none, not finished, or from another version."""
        if NativeSet.likeness(path) != Likeness.YES:
            raise InputError(f"{path} is not a pseudo-label set: expected {self.looks}")
        return NativeSet(path, _read_manifest(path / _MANIFEST))

    def misfits(self, image_id: str, source: MapSource) -> Iterator[str]:
        """Nothing: 16 bits hold every mask map."""
        yield from ()

    def writer(self, path: Path, classes: ClassSet, made_by: Mapping[str, Any]) -> PseudoLabelWriter:
        """Begin a set."""
        return PseudoLabelWriter(path, classes, made_by)


def _read_manifest(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise InputError(f"{path} is missing: the set was not finished; run the command that makes it again")
    manifest = read_json(path, remedy=_REMEDY)
    if manifest.get("schema") != SCHEMA_VERSION:
        raise InputError(
            f"{path} has schema {manifest.get('schema')}, this version reads {SCHEMA_VERSION}: make the set again"
        )
    fitted(manifest, _Manifest, path, _REMEDY)
    manifest["images"] = dict(zip(valid_ids(list(manifest["images"]), path), manifest["images"].values(), strict=True))
    return manifest
