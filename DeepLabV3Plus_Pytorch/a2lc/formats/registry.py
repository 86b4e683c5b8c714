"""All label formats, and which of them a path is."""

from __future__ import annotations

from pathlib import Path

from a2lc.formats.base import NOTHING_KNOWN, LabelFormat, LabelSet, Likeness, Reading
from a2lc.formats.cityscapes import Cityscapes
from a2lc.formats.native import Native
from a2lc.formats.png import LabelPngs
from a2lc.formats.research import Research
from a2lc.foundation.errors import InputError
from a2lc.foundation.registry import Registry

FORMATS: Registry[LabelFormat] = Registry("formats")
FORMATS.register("a2lc", Native())
FORMATS.register("research", Research())
FORMATS.register("cityscapes", Cityscapes())
FORMATS.register("png", LabelPngs())  # last: any folder may be one


def detect_format(path: Path, masks: bool = False) -> str | None:
    """Name of the format that a path looks like most, the first registered one where several look alike; None for none.

    Args:
        path: A folder or file.
        masks: Ask only formats that hold masks.
    """
    names = [name for name in FORMATS if FORMATS[name].limits.masks or not masks]
    best = max(names, key=lambda name: FORMATS[name].detect(path))
    return None if FORMATS[best].detect(path) == Likeness.NO else best


def open_labels(path: Path, reading: Reading = NOTHING_KNOWN, masks: bool = False) -> LabelSet:
    """Open labels of whatever format lies at a path.

    Args:
        path: A folder or file.
        reading: What the files leave open.
        masks: Whether masks are needed.

    Raises:
        InputError: When the path does not exist, no format knows it, or its format refuses it.

    Example:
        >>> labels = open_labels(Path("my_images/annotations"), Reading(load_classes("my_images/classes.yaml")))
        >>> labels.labels(labels.image_ids()[0]).shape
        (480, 640)
    """
    name = detect_format(path, masks)
    if name is not None:
        return FORMATS[name].open(path, reading)
    what = "is not a pseudo-label set" if masks else "holds no labels"
    expected = [FORMATS[name].looks for name in FORMATS if FORMATS[name].limits.masks or not masks]
    raise InputError(f"{path} {what if path.exists() else 'does not exist'}: expected {', or '.join(expected)}")
