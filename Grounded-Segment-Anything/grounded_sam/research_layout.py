"""Import and export of the layout in which the research code keeps pseudo-labels.

`mask_jpg/<image id>.png` holds labels, `obj_jpg/<image id>.png` mask ids, `mask_json/<image id>.json` a list of masks.
With a background class the list begins with an entry for it, `value` is the mask id, and an image without masks has the
id 0 everywhere; without one `value` is the mask id - 1, and an image without masks has the id 255 everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from a2lc.classes import ClassSet
from a2lc.foundation.errors import InputError, refuse
from a2lc.foundation.files import read_json, write_json
from a2lc.foundation.images import write_image, write_label_map, write_mask_map
from a2lc.labels.check import check_pseudo_labels
from a2lc.labels.store import NATIVE, RESEARCH, PseudoLabelSet, PseudoLabelWriter, open_pseudo_labels
from grounded_sam.records import Records
from grounded_sam.summary import mask_facts

JSON_FOLDER = "mask_json"
_NOTHING = 255  # mask id everywhere: nothing was detected
_MARK = ".unfinished"


def import_set(source: Path, target: Path, classes: ClassSet) -> PseudoLabelSet:
    """Write a set of the research layout in ours. Labels and masks stay as they are, pixel by pixel.

    Only the two folders of PNGs are read; mask_json/ may be absent.

    Args:
        source: Folder with mask_jpg/ and obj_jpg/.
        target: New folder.
        classes: The classes that the set was made for.

    Raises:
        InputError: When the source is no such set, lists everything that is wrong with its files, or when the target
            holds files; nothing is written then.
    """
    research = open_pseudo_labels(source)
    if research.layout != RESEARCH:
        raise InputError(f"{source} has labels/ and masks/ already: it can be used as it is, nothing was imported")
    ids = sorted({*research.image_ids(), *_ids_below(source / RESEARCH.masks)})
    if not ids:
        raise InputError(f"{source / RESEARCH.labels} holds no PNG: give the folder of a finished set")
    check_pseudo_labels(research, ids, classes)
    with _new_folder(target):
        writer = PseudoLabelWriter(
            target, classes, {"backend": "import", "layout": "research", "set": source.resolve().name}
        )
        for image_id in tqdm(ids, desc="import", unit="img", disable=None):
            writer.write(image_id, research.labels(image_id), research.masks(image_id))
        return writer.finish()


def export_set(source: PseudoLabelSet, target: Path, classes: ClassSet, sixteen_bit: bool = False) -> PseudoLabelSet:
    """Write a set of ours in the research layout, for the research code.

    The entries of mask_json/ have the detector's score as `logit` where the set has records/, and no `logit` elsewhere.

    Args:
        source: A set in our layout.
        target: New folder.
        classes: The classes that the set was made for; `unmasked` decides between the two conventions.
        sixteen_bit: Whether obj_jpg/ gets 16-bit PNGs, which hold mask ids above 255; the research code reads both.

    Returns:
        The exported set.

    Raises:
        InputError: When the source has the research layout already, lists everything that is wrong with it, names the
            images whose mask ids do not fit, or when the target holds files; nothing is written then.
    """
    if source.layout != NATIVE:
        raise InputError(f"{source.root} has the research layout already: copy the folder, nothing was exported")
    ids = source.image_ids()
    check_pseudo_labels(source, ids, classes)
    problems = [problem for image_id in ids for problem in _problems(source, image_id, sixteen_bit)]
    refuse(f"the pseudo-label set {source.root} cannot be exported", problems)
    exported = PseudoLabelSet(target, RESEARCH)
    with _new_folder(target):
        for image_id in tqdm(ids, desc="export", unit="img", disable=None):
            _export_image(source, exported, image_id, classes, sixteen_bit)
    return exported


@contextmanager
def _new_folder(target: Path) -> Iterator[None]:
    """Mark the target as unfinished while it is written: what a killed command left there may be overwritten."""
    mark = target / _MARK
    if target.exists() and not target.is_dir():
        raise InputError(f"{target} is a file: choose a new folder")
    if target.is_dir() and any(target.iterdir()) and not mark.exists():
        raise InputError(f"{target} is not empty: choose a new folder, nothing is overwritten")
    target.mkdir(parents=True, exist_ok=True)
    mark.touch()
    yield
    mark.unlink()


def _ids_below(folder: Path) -> list[str]:
    return [path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("[!.]*.png")]


def _problems(source: PseudoLabelSet, image_id: str, sixteen_bit: bool) -> Iterator[str]:
    try:
        _scores(source, image_id)
    except InputError as error:
        yield str(error)
    masks = source.masks(image_id)
    if masks.max(initial=0) > 255 and not sixteen_bit:
        yield (
            f"'{image_id}' has the mask id {masks.max()}, but the 8-bit PNGs of this layout end at 255: "
            "export with 16 bits, which the research code reads as well"
        )
    elif masks.min() == _NOTHING:
        yield f"'{image_id}' has no mask id below 255, which this layout reads as 'nothing detected': number them anew"


def _scores(source: PseudoLabelSet, image_id: str) -> dict[int, float]:
    """{mask id: score of its detection}, empty where the set has no record of them."""
    path = Records.of(source.root).path(image_id)
    if not path.is_file():
        return {}
    try:
        return {int(entry["mask"]): float(entry["score"]) for entry in read_json(path)["detections"]}
    except (ValueError, TypeError, LookupError) as error:
        raise InputError(f"{path} is damaged ({error!r}): make the set again or delete the file") from None


def _export_image(
    source: PseudoLabelSet, exported: PseudoLabelSet, image_id: str, classes: ClassSet, sixteen_bit: bool
) -> None:
    """Write the three files of an image, the list last: the research code takes it for the sign that all is there."""
    labels, masks = source.labels(image_id), source.masks(image_id)
    entries = _entries(labels, masks, classes, _scores(source, image_id))
    if classes.unmasked == "void" and not masks.any():
        masks = np.full_like(masks, _NOTHING)
    write_label_map(exported.label_path(image_id), labels, classes.palette())
    if sixteen_bit:
        write_mask_map(exported.mask_path(image_id), masks)
    else:
        write_image(exported.mask_path(image_id), masks.astype(np.uint8))  # two dimensions: greyscale
    write_json(exported.root / JSON_FOLDER / f"{image_id}.json", entries)


def _entries(
    labels: NDArray[np.uint8], masks: NDArray[np.int32], classes: ClassSet, scores: Mapping[int, float]
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
