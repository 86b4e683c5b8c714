"""A look at a pseudo-label set, wherever it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from a2lc.classes import ClassSet, load_classes
from a2lc.foundation.errors import InputError
from a2lc.foundation.ids import inside
from a2lc.foundation.images import IMAGE_SUFFIXES, image_comment, read_image, write_image
from a2lc.foundation.locks import held
from a2lc.labels.store import PseudoLabelSet, open_pseudo_labels
from grounded_sam.contact_sheet import contact_sheet
from grounded_sam.summary import summarise_set

_GREY = 128
_SHEET = "contact sheet of grounded-sam inspect"  # by this comment a later call knows that it may be overwritten


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
        InputError: When the set, its classes or the photos are missing or broken, or the sheet would overwrite a file
            that is no sheet.
    """
    if images is not None and not images.is_dir():
        raise InputError(f"{images} is no folder: give the folder of the images that the set was made for")
    own = root / "contact_sheet.png"
    path = sheet or own
    if path != own:
        _refuse_foreign_sheet(path)
    classes = classes_of(root, classes_name)
    pseudo_labels = open_pseudo_labels(root)
    report = summarise_set(pseudo_labels, classes)
    photos = _Photos(pseudo_labels, images)
    picture = contact_sheet(photos.image, pseudo_labels, classes, pseudo_labels.image_ids(), seed=0)
    with held(path.parent, f".lock.{path.name}", keep=False):
        write_image(path, picture, comment="" if path == own else _SHEET)
    return f"{report.to_text()}\n{path}\n"


def _refuse_foreign_sheet(path: Path) -> None:
    """Refuse to write over a file that is no contact sheet of ours, or where no picture can be written."""
    if path.suffix.lower() not in IMAGE_SUFFIXES:
        raise InputError(f"{path} has no suffix of a picture ({', '.join(IMAGE_SUFFIXES)}): name the sheet like one")
    if path.is_symlink() or (path.exists() and not (path.is_file() and image_comment(path) == _SHEET)):
        raise InputError(f"{path} exists and is no contact sheet of ours, nothing is overwritten: choose a new name")


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
        """The photo of an image, RGB (H, W, 3) uint8."""
        if self.folder is None:
            return np.full((*self.pseudo_labels.labels(image_id).shape, 3), _GREY, dtype=np.uint8)
        suffixes = [form for suffix in IMAGE_SUFFIXES for form in (suffix, suffix.upper())]
        for suffix in suffixes:
            path = inside(self.folder, image_id, suffix)
            if path.is_file():
                return read_image(path)
        raise InputError(
            f"{self.folder} holds no photo '{image_id}' ({', '.join(IMAGE_SUFFIXES)}): give the folder of the images "
            "that the set was made for, or leave out --images"
        )
