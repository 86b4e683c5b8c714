"""The layout of the research code: import, export, and both conventions of what an image without masks holds."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from a2lc.classes import ClassSet, load_classes
from a2lc.formats import detect_format
from a2lc.formats.mask_facts import mask_facts
from a2lc.formats.research import ResearchSet
from a2lc.foundation.errors import InputError
from a2lc.labels.check import check_pseudo_labels
from a2lc.labels.store import PseudoLabelSet, PseudoLabelWriter, open_pseudo_labels
from grounded_sam.detections import Detections
from grounded_sam.records import Records
from grounded_sam.research_layout import export_set, import_set


def assert_same(first: PseudoLabelSet, second: PseudoLabelSet) -> None:
    assert first.image_ids() == second.image_ids()
    for image_id in first.image_ids():
        assert np.array_equal(first.labels(image_id), second.labels(image_id))
        assert np.array_equal(first.masks(image_id), second.masks(image_id))


def make_set(root: Path, classes: ClassSet) -> PseudoLabelSet:
    """'a' has mask 2 (class 1) in an L around mask 3 (class 2), 'town/b' has none."""
    writer = PseudoLabelWriter(root, classes, {"backend": "test"})
    masks = np.array([[2, 2, 0], [2, 3, 0]])
    labels = np.array([classes.unmasked_label, 0, 1, 2], dtype=np.uint8)[masks]
    writer.write("a", labels, masks)
    writer.write("town/b", np.full((2, 2), classes.unmasked_label, np.uint8), np.zeros((2, 2), int))
    return writer.finish()


def read_json(root: Path, image_id: str) -> object:
    return json.loads((root / "mask_json" / f"{image_id}.json").read_text())


def test_convention_without_background(tmp_path: Path, classes: ClassSet) -> None:
    exported = export_set(make_set(tmp_path / "ours", classes), tmp_path / "out", classes)
    with Image.open(exported.label_path("a")) as labels, Image.open(exported.mask_path("a")) as masks:
        assert (labels.mode, masks.mode) == ("P", "L")
        assert bytes(labels.getpalette() or []) == classes.palette()
        assert np.asarray(masks).tolist() == [[2, 2, 0], [2, 3, 0]]
    assert read_json(exported.root, "a") == [
        {"value": 1, "label": "box", "box": [0.0, 0.0, 2.0, 2.0]},
        {"value": 2, "label": "disc", "box": [1.0, 1.0, 2.0, 2.0]},
    ]
    assert (np.asarray(Image.open(exported.mask_path("town/b"))) == 255).all()
    assert (np.asarray(Image.open(exported.label_path("town/b"))) == 255).all()
    assert read_json(exported.root, "town/b") == []


def test_convention_with_background(tmp_path: Path, classes: ClassSet) -> None:
    classes = replace(classes, unmasked="background")
    exported = export_set(make_set(tmp_path / "ours", classes), tmp_path / "out", classes)
    first = {"value": 0, "label": "ground"}
    assert read_json(exported.root, "a") == [
        first,
        {"value": 2, "label": "box", "box": [0.0, 0.0, 2.0, 2.0]},
        {"value": 3, "label": "disc", "box": [1.0, 1.0, 2.0, 2.0]},
    ]
    assert not np.asarray(Image.open(exported.mask_path("town/b"))).any()
    assert not np.asarray(Image.open(exported.label_path("town/b"))).any()
    assert read_json(exported.root, "town/b") == [first]


def test_scores_come_from_the_records(tmp_path: Path, classes: ClassSet) -> None:
    ours = make_set(tmp_path / "ours", classes)
    records = Records(ours.root / "records")
    found = Detections(np.zeros((3, 4), np.float32), np.array([0, 1, 2]), np.array([0.9, 0.45, 0.3], np.float32))
    records.write("a", ours.manifest["images"]["a"], found, classes.names)
    exported = export_set(ours, tmp_path / "out", classes)
    first, second = json.loads((exported.root / "mask_json" / "a.json").read_text())
    assert (first["logit"], second["logit"]) == (0.45, 0.3)  # of the masks 2 and 3: mask 1 has no pixel
    records.path("a").write_text("{}")
    with pytest.raises(InputError, match=r"a\.json is damaged"):
        export_set(ours, tmp_path / "other", classes)
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("unmasked", ["background", "void"])
@pytest.mark.parametrize("sixteen_bit", [False, True])
def test_export_then_import_gives_the_same_set(
    tmp_path: Path, classes: ClassSet, unmasked: str, sixteen_bit: bool
) -> None:
    classes = replace(classes, unmasked=unmasked)
    ours = make_set(tmp_path / "ours", classes)
    exported = export_set(ours, tmp_path / "0.2", classes, sixteen_bit)
    assert detect_format(exported.root) == "research"
    imported = import_set(exported.root, tmp_path / "again", classes)
    assert_same(ours, imported)
    assert imported.manifest["images"] == ours.manifest["images"]
    assert imported.manifest["made_by"] == {"backend": "import", "layout": "research", "set": "0.2"}
    check_pseudo_labels(open_pseudo_labels(imported.root), imported.image_ids(), classes)


def test_ids_above_255_need_16_bits(tmp_path: Path, classes: ClassSet, tiny_set: PseudoLabelSet) -> None:
    with pytest.raises(InputError, match="'a' has the mask id 300, but the 8-bit PNGs of this layout end at 255"):
        export_set(tiny_set, tmp_path / "out", classes)
    assert not (tmp_path / "out").exists()
    exported = export_set(tiny_set, tmp_path / "out", classes, sixteen_bit=True)
    with Image.open(exported.mask_path("a")) as masks:
        assert masks.mode == "I;16"
        assert np.unique(np.array(masks)).tolist() == [0, 1, 300]
    assert_same(tiny_set, import_set(exported.root, tmp_path / "again", classes))


def test_a_lone_mask_255_would_be_lost(tmp_path: Path, classes: ClassSet) -> None:
    writer = PseudoLabelWriter(tmp_path / "ours", classes, {})
    writer.write("a", np.zeros((2, 2), np.uint8), np.full((2, 2), 255))
    with pytest.raises(InputError, match="'a' has no mask id below 255"):
        export_set(writer.finish(), tmp_path / "out", classes)


def test_every_problem_of_an_import_is_listed_before_anything_is_written(tmp_path: Path, classes: ClassSet) -> None:
    source = export_set(make_set(tmp_path / "ours", classes), tmp_path / "source", classes).root
    Image.fromarray(np.full((2, 2), 9, np.uint8)).save(source / "mask_jpg" / "town" / "b.png")
    Image.fromarray(np.zeros((2, 2), np.uint8)).save(source / "obj_jpg" / "no_labels.png")
    Image.fromarray(np.zeros((2, 2), np.uint8)).save(source / "mask_jpg" / "no_masks.png")
    with pytest.raises(InputError, match="3 problems") as caught:
        import_set(source, tmp_path / "target", classes)
    for part in ("class index 9", "mask_jpg/no_labels.png does not exist", "obj_jpg/no_masks.png does not exist"):
        assert part in str(caught.value)
    assert not (tmp_path / "target").exists()


def test_only_a_new_folder_or_an_unfinished_one_is_written(tmp_path: Path, classes: ClassSet) -> None:
    ours = make_set(tmp_path / "ours", classes)
    target = tmp_path / "out"
    target.mkdir()
    (target / "thesis.txt").touch()
    with pytest.raises(InputError, match="out is not empty"):
        export_set(ours, target, classes)
    (target / ".unfinished").touch()  # what a killed export leaves
    exported = export_set(ours, target, classes)
    assert not (target / ".unfinished").exists()
    with pytest.raises(InputError, match=r"thesis\.txt is a file"):
        import_set(exported.root, target / "thesis.txt", classes)


def test_the_wrong_layout_is_refused(tmp_path: Path, classes: ClassSet) -> None:
    ours = make_set(tmp_path / "ours", classes)
    with pytest.raises(InputError, match="can be used as it is"):
        import_set(ours.root, tmp_path / "out", classes)
    exported = export_set(ours, tmp_path / "exported", classes)
    with pytest.raises(InputError, match="has the research layout already"):
        export_set(exported, tmp_path / "out", classes)
    for folder in ("empty/mask_jpg", "empty/obj_jpg"):
        (tmp_path / folder).mkdir(parents=True)
    with pytest.raises(InputError, match="holds no PNG"):
        import_set(tmp_path / "empty", tmp_path / "out", classes)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10**6), height=st.integers(1, 6), width=st.integers(1, 6))
def test_mask_facts_equal_one_mask_at_a_time(seed: int, height: int, width: int) -> None:
    rng = np.random.default_rng(seed)
    masks = rng.choice([0, 0, 1, 4, 300], (height, width)).astype(np.int32)
    labels = rng.choice([0, 3, 255], (height, width)).astype(np.uint8)
    facts = mask_facts(labels, masks)
    assert facts.mask_id.tolist() == sorted(set(masks[masks > 0].tolist()))
    for index, mask_id in enumerate(facts.mask_id):
        inside = labels[masks == mask_id].tolist()
        rows, columns = np.nonzero(masks == mask_id)
        assert facts.pixels[index] == len(inside)
        assert facts.label[index] == max(sorted(set(inside)), key=inside.count)
        assert facts.box[index].tolist() == [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]


def test_published_masks(shared: Path, tmp_path: Path) -> None:
    published = open_pseudo_labels(shared / "pascal_animals" / "grounded_sam" / "0.2")
    pascal = load_classes("pascal")
    some = ResearchSet(tmp_path / "0.2")
    for image_id in published.image_ids()[::30]:
        for path, copy in (
            (published.label_path(image_id), some.label_path(image_id)),
            (published.mask_path(image_id), some.mask_path(image_id)),
        ):
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.symlink_to(path)
    imported = import_set(some.root, tmp_path / "ours", pascal)
    assert len(imported.image_ids()) == 10
    assert_same(imported, some)
    assert_same(import_set(export_set(imported, tmp_path / "out", pascal).root, tmp_path / "again", pascal), imported)


def test_an_import_that_was_killed_after_its_manifest_is_finished(tmp_path: Path, classes: ClassSet) -> None:
    export_set(make_set(tmp_path / "ours", classes), tmp_path / "out", classes)
    import_set(tmp_path / "out", tmp_path / "again", classes)
    finished = {path.name for path in (tmp_path / "again").iterdir()}
    for left in (".unfinished", ".lock"):
        (tmp_path / "again" / left).touch()
    import_set(tmp_path / "out", tmp_path / "again", classes)
    assert {path.name for path in (tmp_path / "again").iterdir()} == finished
