"""Import and export of the layout of the research code (`a2lc.formats.research`) by `grounded-sam import | export`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import cast

from a2lc.classes import ClassSet
from a2lc.formats import FORMATS, Conversion, PseudoLabelSet, detect_format
from a2lc.formats.base import ids_below
from a2lc.formats.research import Research, ResearchSet
from a2lc.foundation.claims import is_unfinished, new_folder
from a2lc.foundation.errors import InputError
from a2lc.foundation.files import read_json
from a2lc.foundation.locks import held
from a2lc.labels.check import check_pseudo_labels
from a2lc.labels.store import open_pseudo_labels
from grounded_sam.records import Records

_RESEARCH = "research"
_OURS = "a2lc"


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

    Example:
        >>> import_set(Path("masks/0.2"), Path("data/voc/pseudo_labels"), load_classes("pascal")).image_ids()[0]
        '2007_000032'
    """
    research = open_pseudo_labels(source)
    if detect_format(source, masks=True) != _RESEARCH:
        raise InputError(f"{source} has labels/ and masks/ already: it can be used as it is, nothing was imported")
    ids = sorted({*research.image_ids(), *ids_below(source / ResearchSet.masks_folder)})
    if not ids:
        raise InputError(f"{source / ResearchSet.labels_folder} holds no PNG: give the folder of a finished set")
    check_pseudo_labels(research, ids, classes)
    made_by = {"backend": "import", "layout": _RESEARCH, "set": source.resolve().name}
    if not is_unfinished(target) and _is_imported(target, made_by, ids, classes):
        with held(target, keep=False):  # the lock of who was stopped goes with ours
            return open_pseudo_labels(target)
    with new_folder(target):
        classes.write(target / "classes.yaml")  # first: the manifest says that all is there
        written = Conversion(research, ids, classes, FORMATS[_OURS]).write(target, made_by)
    return cast(PseudoLabelSet, written)


def _is_imported(target: Path, made_by: Mapping[str, str], ids: Sequence[str], classes: ClassSet) -> bool:
    """Whether a command that was stopped after its last write has made this very set already."""
    if not ((target / "manifest.json").is_file() and (target / "classes.yaml").is_file()):
        return False
    manifest = read_json(target / "manifest.json")
    now = {"made_by": made_by, "classes": list(classes.names), "void": classes.void, "images": sorted(ids)}
    if not isinstance(manifest, dict) or not isinstance(manifest.get("images"), dict):
        return False
    return now == {**{key: manifest.get(key) for key in now}, "images": sorted(manifest["images"])}


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
    if detect_format(source.root, masks=True) == _RESEARCH:
        raise InputError(f"{source.root} has the research layout already: copy the folder, nothing was exported")
    ids = source.image_ids()
    check_pseudo_labels(source, ids, classes)
    conversion = Conversion(source, ids, classes, Research(sixteen_bit), scores=partial(_scores, source.root))
    conversion.refuse_misfits(f"the pseudo-label set {source.root}")
    with new_folder(target):
        written = conversion.write(target, {})
    return cast(PseudoLabelSet, written)


def _scores(root: Path, image_id: str) -> dict[int, float]:
    """{mask id: score of its detection}, empty where the set has no record of them."""
    path = Records.of(root).path(image_id)
    if not path.is_file():
        return {}
    try:
        return {int(entry["mask"]): float(entry["score"]) for entry in read_json(path)["detections"]}
    except (ValueError, TypeError, LookupError) as error:
        raise InputError(f"{path} is damaged ({error!r}): make the set again or delete the file") from None
