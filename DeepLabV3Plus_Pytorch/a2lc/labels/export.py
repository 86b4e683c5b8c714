"""Writing the labels of a round as a plain label set, for other tools and for a second run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from a2lc.classes import ClassSet
from a2lc.formats import FORMATS, Conversion, LabelSet
from a2lc.foundation.claims import new_folder
from a2lc.labels.state import LabelState


def export_labels(
    state: LabelState,
    image_ids: Sequence[str],
    classes: ClassSet,
    target: Path,
    made_by: Mapping[str, Any],
    format_name: str = "a2lc",
) -> LabelSet:
    """Write L_r in a format, by default ours (labels/, masks/, manifest.json), with classes.yaml beside it.

    A format without masks gets the labels alone.

    Raises:
        InputError: When the target holds files already or is written by another process, a map cannot be read, or the
            format cannot hold what there is; every problem is listed and nothing is written.
    """
    form = FORMATS[format_name]
    conversion = Conversion(state, image_ids, classes, form, labels_only=not form.limits.masks)
    conversion.refuse_misfits("the labels")
    with new_folder(target):
        classes.write(target / "classes.yaml")  # first: what ends the set says that all is there
        return conversion.write(target, made_by)
