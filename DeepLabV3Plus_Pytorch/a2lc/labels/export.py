"""Writing the labels of a round as a plain pseudo-label set, for other tools and for a second run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from a2lc.classes import ClassSet
from a2lc.foundation.claims import new_folder
from a2lc.labels.state import LabelState
from a2lc.labels.store import PseudoLabelSet, PseudoLabelWriter


def export_labels(
    state: LabelState, image_ids: Sequence[str], classes: ClassSet, target: Path, made_by: Mapping[str, Any]
) -> PseudoLabelSet:
    """Write L_r as palette PNGs (labels/), with masks/, manifest.json and classes.yaml beside them.

    Raises:
        InputError: When the target holds files already or is written by another process, or a map cannot be read.
    """
    with new_folder(target):
        writer = PseudoLabelWriter(target, classes, made_by)
        for image_id in tqdm(image_ids, desc="export", unit="img", disable=None):
            writer.write(image_id, state.labels(image_id), state.masks(image_id))
        classes.write(target / "classes.yaml")
        return writer.finish()
