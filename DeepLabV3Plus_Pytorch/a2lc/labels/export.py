"""Writing the labels of a round as a plain pseudo-label set, for other tools and for a second run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from a2lc.classes import ClassSet
from a2lc.foundation.errors import InputError
from a2lc.labels.state import LabelState
from a2lc.labels.store import PseudoLabelSet, PseudoLabelWriter


def export_labels(
    state: LabelState, image_ids: Sequence[str], classes: ClassSet, target: Path, made_by: Mapping[str, Any]
) -> PseudoLabelSet:
    """Write L_r as palette PNGs (labels/), with masks/, manifest.json and classes.yaml beside them.

    Raises:
        InputError: When the target holds files already, or a map cannot be read.
    """
    if target.exists() and any(target.iterdir()) and not (target / ".unfinished").exists():
        raise InputError(f"{target} is not empty: choose a new folder, nothing is overwritten")
    target.mkdir(parents=True, exist_ok=True)
    (target / ".unfinished").touch()  # a killed export may be repeated into the same folder
    writer = PseudoLabelWriter(target, classes, made_by)
    for image_id in tqdm(image_ids, desc="export", unit="img", disable=None):
        writer.write(image_id, state.labels(image_id), state.masks(image_id))
    classes.write(target / "classes.yaml")
    exported = writer.finish()
    (target / ".unfinished").unlink()
    return exported
