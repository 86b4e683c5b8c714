"""A look at a pseudo-label set, wherever it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from a2lc.classes import ClassSet, load_classes
from a2lc.foundation.errors import InputError
from a2lc.foundation.images import IMAGE_SUFFIXES, read_image, write_image
from a2lc.labels.store import PseudoLabelSet, open_pseudo_labels
from grounded_sam.contact_sheet import contact_sheet
from grounded_sam.summary import summarise_set

_GREY = 128


def inspect_set(root: Path, classes_name: str | None, images: Path | None, sheet: Path | None) -> str:
    """Check and count a set, and draw its contact sheet.

    Args:
        root: Folder of the set, in our layout or the research one.
        classes_name: Name or path of the class list; None = classes.yaml in the set.
        images: Folder of the photos, named like the image ids; None = the labels are drawn on grey.
        sheet: Where the contact sheet is written to; None = contact_sheet.png in the set.

    Returns:
        The summary, for a terminal.

    Raises:
        InputError: When the set, its classes or the photos are missing or broken.
    """
    if images is not None and not images.is_dir():
        raise InputError(f"{images} is no folder: give the folder of the images that the set was made for")
    classes = classes_of(root, classes_name)
    pseudo_labels = open_pseudo_labels(root)
    report = summarise_set(pseudo_labels, classes)
    photos = _Photos(pseudo_labels, images)
    path = sheet or root / "contact_sheet.png"
    write_image(path, contact_sheet(photos.image, pseudo_labels, classes, pseudo_labels.image_ids(), seed=0))
    return f"{report.to_text()}\n{path}\n"


def classes_of(root: Path, name: str | None) -> ClassSet:
    """The classes of a set: those named, or its own classes.yaml. Raises InputError when there are none."""
    own = root / "classes.yaml"
    if name is None and not own.is_file():
        raise InputError(f"{own} does not exist: add --classes with the class list that the set was made for")
    return load_classes(own if name is None else name)


@dataclass(frozen=True)
class _Photos:
    """Photos of a set by image id; plain grey where no folder of photos was given."""

    pseudo_labels: PseudoLabelSet
    folder: Path | None

    def image(self, image_id: str) -> NDArray[np.uint8]:
        if self.folder is None:
            return np.full((*self.pseudo_labels.labels(image_id).shape, 3), _GREY, dtype=np.uint8)
        suffixes = [form for suffix in IMAGE_SUFFIXES for form in (suffix, suffix.upper())]
        for suffix in suffixes:
            path = self.folder / f"{image_id}{suffix}"
            if path.is_file():
                return read_image(path)
        raise InputError(
            f"{self.folder} holds no photo '{image_id}' ({', '.join(IMAGE_SUFFIXES)}): give the folder of the images "
            "that the set was made for, or leave out --images"
        )
