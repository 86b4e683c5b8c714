"""Ids that come from manifests, lists and ledgers never lead out of a folder, and damaged manifests are told."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from a2lc.classes import ClassSet
from a2lc.datasets import read_id_list
from a2lc.formats import FORMATS
from a2lc.foundation.errors import InputError
from a2lc.foundation.images import write_label_map
from a2lc.labels.export import export_labels
from a2lc.labels.ledger import Decision, Ledger
from a2lc.labels.state import LabelState
from a2lc.labels.store import PseudoLabelSet, open_pseudo_labels
from grounded_sam.inspection import inspect_set
from tests.support.bad_files import BAD_JSON, BAD_LISTS


def rename_in_manifest(root: Path, old: str, new: str) -> None:
    """Give an image another id in a manifest."""
    path = root / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["images"][new] = manifest["images"].pop(old)
    path.write_text(json.dumps(manifest))


def outside(tmp_path: Path, classes: ClassSet) -> Path:
    """A label map beside the set, which nothing may read or write."""
    for folder in ("set/labels", "set/masks"):
        shutil.copy(tmp_path / folder / "a.png", tmp_path / folder / "../../secret.png")
    write_label_map(tmp_path / "secret.png", np.ones((4, 6), dtype=np.uint8), classes.palette())
    return tmp_path / "secret.png"


@pytest.mark.parametrize("name", ["../../secret", "{tmp}/secret", "..", "a/../../../secret", "a\\b", "a\nb", ""])
def test_a_manifest_leads_nowhere_else(tiny_set: PseudoLabelSet, classes: ClassSet, tmp_path: Path, name: str) -> None:
    secret = outside(tmp_path, classes)
    before = secret.read_bytes()
    rename_in_manifest(tiny_set.root, "a", name.format(tmp=tmp_path))
    classes.write(tiny_set.root / "classes.yaml")
    with pytest.raises(InputError, match=r"manifest\.json holds names that cannot be used"):
        open_pseudo_labels(tiny_set.root)
    with pytest.raises(InputError, match=r"manifest\.json"):
        inspect_set(tiny_set.root, None, None, tmp_path / "sheet.png")
    assert secret.read_bytes() == before
    assert not (tmp_path / "sheet.png").exists()


@pytest.mark.parametrize("form", ["a2lc", "research", "png"])
@pytest.mark.parametrize("name", ["../victim", "{tmp}/victim"])
def test_export_writes_nowhere_else(
    tiny_set: PseudoLabelSet, classes: ClassSet, tmp_path: Path, form: str, name: str
) -> None:
    victim = tmp_path / "victim.png"
    victim.write_bytes(b"a photo")
    with pytest.raises(InputError, match="victim"):
        export_labels(LabelState(tiny_set), ["a", name.format(tmp=tmp_path)], classes, tmp_path / "out", {}, form)
    assert victim.read_bytes() == b"a photo"
    assert not (tmp_path / "out").exists()
    labels = np.zeros((2, 2), dtype=np.uint8)
    writer = FORMATS[form].writer(tmp_path / "out", classes, {})
    masks = labels.astype(np.uint16) if FORMATS[form].limits.masks else None
    with pytest.raises(InputError, match="victim"):
        writer.write(name.format(tmp=tmp_path), labels, masks)
    assert victim.read_bytes() == b"a photo"


@pytest.mark.parametrize("form", ["a2lc", "research", "png"])
def test_nothing_is_written_through_links(classes: ClassSet, tmp_path: Path, form: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    root = tmp_path / "out"
    root.mkdir()
    for folder in ("labels", "masks", "mask_jpg", "obj_jpg", "."):
        (root / folder).mkdir(exist_ok=True)
        (root / folder / "street").symlink_to(elsewhere)
    labels = np.zeros((2, 2), dtype=np.uint8)
    masks = labels.astype(np.uint16) if FORMATS[form].limits.masks else None
    with pytest.raises(InputError, match="leads out of"):
        FORMATS[form].writer(root, classes, {}).write("street/a", labels, masks)
    assert not list(elsewhere.iterdir())


def test_a_set_may_be_made_of_links(tiny_set: PseudoLabelSet, tmp_path: Path) -> None:
    before = tiny_set.labels("a")
    path = tiny_set.label_path("a")
    path.rename(tmp_path / "stored.png")
    path.symlink_to(tmp_path / "stored.png")
    np.testing.assert_array_equal(open_pseudo_labels(tiny_set.root).labels("a"), before)


@pytest.mark.parametrize("what", BAD_LISTS)
def test_damaged_lists(tmp_path: Path, what: str) -> None:
    path = tmp_path / "train.txt"
    path.write_bytes(BAD_LISTS[what])
    with pytest.raises(InputError, match=r"train\.txt"):
        read_id_list(path)


def test_lists_as_people_have_them(tmp_path: Path) -> None:
    path = tmp_path / "train.txt"
    path.write_text("\ufeff007\r\n cafe\u0301 \n\na \nb \n", encoding="utf-8", newline="")
    assert read_id_list(path, {"b "}) == ("007", "caf\u00e9", "a", "b ")


def test_a_long_list_with_a_duplicate_is_read_in_linear_time(tmp_path: Path) -> None:
    path = tmp_path / "train.txt"
    names = [f"image{number}" for number in range(100_000)]
    path.write_text("\n".join([*names, "image7"]))  # counting each name anew would take minutes
    with pytest.raises(InputError, match="names 'image7' twice"):
        read_id_list(path)


@pytest.mark.parametrize("what", BAD_JSON)
def test_damaged_manifests(tiny_set: PseudoLabelSet, what: str) -> None:
    (tiny_set.root / "manifest.json").write_bytes(BAD_JSON[what])
    with pytest.raises(InputError, match=r"manifest\.json.*(make the set again|save it as UTF-8)"):
        open_pseudo_labels(tiny_set.root)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"images": None}, "images is None"),
        ({"images": ["a"]}, r"images is \['a'\]"),
        ({"images": {"a": 3}}, "images.a is 3"),
        ({"classes": "box"}, "classes is 'box'"),
        ({"schema": 99}, "has schema 99"),
    ],
)
def test_manifests_of_another_kind(tiny_set: PseudoLabelSet, change: dict[str, object], words: str) -> None:
    path = tiny_set.root / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(InputError, match=rf"manifest\.json .*{words}.*make the set again"):
        open_pseudo_labels(tiny_set.root)


@pytest.mark.parametrize("key", ["images", "classes", "schema"])
def test_manifests_that_lack_a_key(tiny_set: PseudoLabelSet, key: str) -> None:
    path = tiny_set.root / "manifest.json"
    path.write_text(json.dumps({name: value for name, value in json.loads(path.read_text()).items() if name != key}))
    with pytest.raises(InputError, match=r"manifest\.json .*make the set again"):
        open_pseudo_labels(tiny_set.root)


def test_a_ledger_gives_ids_in_one_form_and_refuses_others(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    ledger.record(1, 0, "annotate", [Decision("cafe\u0301", 3, 0, 2, True, True, "answers", "ann")])
    assert ledger.corrections() == {"caf\u00e9": {3: 2}}
    ledger.record(2, 0, "annotate", [Decision("../x", 3, 0, 2, True, True, "answers", "ann")])
    with pytest.raises(InputError, match=r"ledger\.sqlite: '\.\./x'"):
        ledger.corrections()
