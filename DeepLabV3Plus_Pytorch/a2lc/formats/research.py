"""The layout in which the research code keeps pseudo-labels, as ALC and A²LC were published.

`mask_jpg/<image id>.png` holds labels, `obj_jpg/<image id>.png` mask ids, `mask_json/<image id>.json` a list of masks.
With a background class the list begins with an entry for it, `value` is the mask id, and an image without masks has the
id 0 everywhere; without one `value` is the mask id - 1, and an image without masks has the id 255 everywhere.
Only the two folders of PNGs are read; mask_json/ may be absent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from a2lc.classes import ClassSet
from a2lc.formats.base import MAX_MASK_ID, NO_SCORES, NOTHING_KNOWN, Likeness, Limits, MapSource, Reading, Undetected
from a2lc.formats.map_folders import MapFolders
from a2lc.formats.mask_facts import mask_facts
from a2lc.foundation.errors import InputError
from a2lc.foundation.files import write_json
from a2lc.foundation.ids import inside
from a2lc.foundation.images import write_image, write_label_map, write_mask_map

_JSON_FOLDER = "mask_json"
_NOTHING = 255  # mask id everywhere: nothing was detected


@dataclass(frozen=True)
class ResearchSet(MapFolders):
    """Reader of mask_jpg/ and obj_jpg/; fulfils `PseudoLabelSet`.

    Attributes:
        undetected: See `Reading`.
    """

    labels_folder: ClassVar[str] = "mask_jpg"
    masks_folder: ClassVar[str] = "obj_jpg"

    undetected: Undetected = "none"

    def masks(self, image_id: str) -> NDArray[np.int32]:
        """Mask map S (H, W) int32, 0 = no mask. Raises InputError when it is missing or unreadable."""
        masks = super().masks(image_id)
        nothing_detected = masks.size and masks.min() == _NOTHING
        return np.zeros_like(masks) if nothing_detected and self.undetected == "none" else masks


@dataclass(frozen=True)
class ResearchWriter:
    """Writes the three files of each image.

    Attributes:
        root: Target folder.
        classes: The classes; `unmasked` decides between the two conventions.
        sixteen_bit: Whether obj_jpg/ gets 16-bit PNGs.
    """

    root: Path
    classes: ClassSet
    sixteen_bit: bool

    def write(
        self,
        image_id: str,
        labels: NDArray[np.uint8],
        masks: NDArray[np.integer] | None,
        scores: Mapping[int, float] = NO_SCORES,
    ) -> None:
        """Write the files of an image, the list last: the research code takes it for the sign that all is there.

        Raises:
            ValueError: When there are no masks.
        """
        if masks is None:
            raise ValueError(f"'{image_id}' has no mask map, which this layout needs")
        entries = _entries(labels, masks, self.classes, scores)
        if self.classes.unmasked == "void" and not masks.any():
            masks = np.full_like(masks, _NOTHING)
        label_path = inside(self.root / ResearchSet.labels_folder, image_id, ".png")
        mask_path = inside(self.root / ResearchSet.masks_folder, image_id, ".png")
        write_label_map(label_path, labels, self.classes.palette())
        if self.sixteen_bit:
            write_mask_map(mask_path, masks)
        else:
            write_image(mask_path, masks.astype(np.uint8))  # two dimensions: greyscale
        write_json(inside(self.root / _JSON_FOLDER, image_id, ".json"), entries)

    def finish(self) -> ResearchSet:
        """The written set."""
        return ResearchSet(self.root)


@dataclass(frozen=True)
class Research:
    """The research layout; fulfils `LabelFormat`.

    Attributes:
        sixteen_bit: Whether mask maps are written with 16 bits, which hold ids above 255; both are read.
    """

    looks: ClassVar[str] = "a folder with mask_jpg/ and obj_jpg/ (research layout)"

    sixteen_bit: bool = False

    @property
    def limits(self) -> Limits:
        """Mask ids end at 255 in 8 bits."""
        return Limits(mask_id=MAX_MASK_ID if self.sixteen_bit else 255)

    def detect(self, path: Path) -> Likeness:
        """YES when both folders are there, PERHAPS when one is."""
        return ResearchSet.likeness(path)

    def open(self, path: Path, reading: Reading = NOTHING_KNOWN) -> ResearchSet:
        """Open a set. Raises InputError when one of the two folders is missing."""
        if self.detect(path) != Likeness.YES:
            raise InputError(f"{path} is not a pseudo-label set: expected {self.looks}")
        return ResearchSet(path, undetected=reading.undetected)

    def misfits(self, image_id: str, source: MapSource) -> Iterator[str]:
        """Mask ids that do not fit, and maps that would be read as 'nothing detected'."""
        masks = source.masks(image_id)
        if masks is None:
            return
        if masks.max(initial=0) > self.limits.mask_id:
            yield (
                f"'{image_id}' has the mask id {masks.max()}, but the 8-bit PNGs of this layout end at 255: "
                "export with 16 bits, which the research code reads as well"
            )
        elif masks.size and masks.min() == _NOTHING:
            yield (
                f"'{image_id}' has no mask id below 255, which this layout reads as 'nothing detected': "
                "number them anew"
            )

    def writer(self, path: Path, classes: ClassSet, made_by: Mapping[str, Any]) -> ResearchWriter:
        """Begin a set; there is no place for `made_by`."""
        return ResearchWriter(path, classes, self.sixteen_bit)


def _entries(
    labels: NDArray[np.uint8], masks: NDArray[np.integer], classes: ClassSet, scores: Mapping[int, float]
) -> list[dict[str, Any]]:
    """What mask_json/ lists: a mask each, by id, with its majority label and the box of its visible pixels."""
    facts = mask_facts(labels, masks)
    background = classes.unmasked == "background"
    entries: list[dict[str, Any]] = [{"value": 0, "label": classes.names[0]}] if background else []
    offset = 0 if background else -1
    rows = zip(facts.mask_id.tolist(), facts.label.tolist(), facts.box.astype(float).tolist(), strict=True)
    for mask_id, label, box in rows:
        score = {"logit": scores[mask_id]} if mask_id in scores else {}
        entries.append({"value": mask_id + offset, "label": classes.name_of(label), **score, "box": box})
    return entries
