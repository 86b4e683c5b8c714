"""Pseudo-label sets, the ledger, and the labels derived from both."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from a2lc.classes import ClassSet
from a2lc.foundation.errors import InputError
from a2lc.foundation.images import read_index_map, write_label_map, write_mask_map
from a2lc.labels.check import check_pseudo_labels
from a2lc.labels.export import export_labels
from a2lc.labels.ledger import Decision, Ledger
from a2lc.labels.state import LabelState, apply_corrections
from a2lc.labels.store import PseudoLabelSet, PseudoLabelWriter, open_pseudo_labels


def decision(
    mask: int, after: int | None, *, relabelled: bool = True, queried: bool = True, before: int = 1
) -> Decision:
    source = "ground_truth" if queried else "lcm"
    return Decision("a", mask, before, after, relabelled, queried, source)


def test_round_trip(tiny_set: PseudoLabelSet, classes: ClassSet) -> None:
    opened = open_pseudo_labels(tiny_set.root)
    assert opened.image_ids() == ["a", "b/c"]
    assert np.unique(opened.masks("a")).tolist() == [0, 1, 300]
    assert opened.masks("a").dtype == np.int32
    assert opened.labels("a")[0].tolist() == [1, 1, 1, 0, 0, 0]
    summary = check_pseudo_labels(opened, ["a", "b/c"], classes)
    assert (summary.images, summary.masks, summary.images_without_masks) == (2, 2, 1)


def test_same_input_same_bytes(tmp_path: Path, classes: ClassSet) -> None:
    def write(root: Path) -> list[bytes]:
        writer = PseudoLabelWriter(root, classes, {"box_threshold": 0.2})
        writer.write("x", np.ones((5, 5), dtype=np.uint8), np.full((5, 5), 7))
        writer.finish()
        return [path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()]

    assert write(tmp_path / "1") == write(tmp_path / "2")


def test_every_problem_is_listed(tiny_set: PseudoLabelSet, classes: ClassSet) -> None:
    palette = classes.palette()
    write_label_map(tiny_set.label_path("wrong class"), np.full((3, 3), 9, dtype=np.uint8), palette)
    write_mask_map(tiny_set.mask_path("wrong class"), np.ones((3, 3), dtype=int))
    write_label_map(tiny_set.label_path("wrong size"), np.zeros((3, 3), dtype=np.uint8), palette)
    write_mask_map(tiny_set.mask_path("wrong size"), np.ones((3, 4), dtype=int))
    write_label_map(tiny_set.label_path("truncated"), np.zeros((3, 3), dtype=np.uint8), palette)
    tiny_set.mask_path("truncated").write_bytes(tiny_set.mask_path("a").read_bytes()[:60])
    Image.new("RGB", (3, 3)).save(tiny_set.label_path("colours"))
    with pytest.raises(InputError) as caught:
        check_pseudo_labels(tiny_set, ["a", "wrong class", "wrong size", "truncated", "colours", "missing"], classes)
    message = str(caught.value)
    assert "(5 problems)" in message
    for part in (
        "class index 9",
        "3x3 and its mask map 3x4",
        "truncated.png",
        "mode RGB",
        "missing.png does not exist",
    ):
        assert part in message


def test_set_of_other_classes_is_refused(tiny_set: PseudoLabelSet) -> None:
    from a2lc.classes import parse_classes

    other = parse_classes({"classes": ["ground", "box", "ball"]}, "other")
    with pytest.raises(InputError, match="made for the classes ground, box, disc but the data set has"):
        check_pseudo_labels(open_pseudo_labels(tiny_set.root), ["a"], other)


def test_unfinished_or_foreign_folders_are_refused(tiny_set: PseudoLabelSet, tmp_path: Path) -> None:
    (tiny_set.root / "manifest.json").unlink()
    with pytest.raises(InputError, match=r"manifest\.json is missing"):
        open_pseudo_labels(tiny_set.root)
    with pytest.raises(InputError, match="does not exist"):
        open_pseudo_labels(tmp_path / "nowhere")


@pytest.mark.parametrize("filler", [0, 255])
def test_research_layout(tmp_path: Path, filler: int) -> None:
    for folder in ("mask_jpg", "obj_jpg"):
        (tmp_path / folder).mkdir()
        Image.fromarray(np.array([[3, 1]], dtype=np.uint8)).save(tmp_path / folder / "seen.png")
        Image.fromarray(np.full((2, 2), filler, dtype=np.uint8)).save(tmp_path / folder / "nothing.png")
    research = open_pseudo_labels(tmp_path)
    assert research.masks("seen").tolist() == [[3, 1]]
    assert research.masks("nothing").tolist() == [[0, 0], [0, 0]]


def test_ledger_keeps_the_newest_label_and_every_row(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    ledger.record(
        1, 0, "annotate", [decision(1, 2), decision(3, 1, relabelled=False), decision(4, None, relabelled=False)]
    )
    ledger.record(1, 0, "propagate", [decision(5, 0, queried=False)])
    ledger.record(2, 0, "annotate", [decision(5, 2, before=0)])
    ledger.record(2, 0, "propagate", [])
    reopened = Ledger(tmp_path / "ledger.sqlite")
    assert reopened.corrections(up_to_round=1) == {"a": {1: 2, 5: 0}}
    assert reopened.corrections() == {"a": {1: 2, 5: 2}}
    assert set(reopened.queried()) == {("a", 1), ("a", 3), ("a", 4), ("a", 5)}
    assert set(reopened.queried(up_to_round=1)) == {("a", 1), ("a", 3), ("a", 4)}
    assert len(reopened.decisions()) == 5
    assert reopened.decisions_of(1)[0] == decision(1, 2)
    assert reopened.is_done(2, 0, "propagate")
    assert not reopened.is_done(3, 0, "annotate")


def test_a_stage_is_written_once_or_not_at_all(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    ledger.record(1, 0, "annotate", [decision(1, 2)])
    with pytest.raises(InputError, match="recorded already"):
        ledger.record(1, 0, "annotate", [decision(9, 2)])
    assert len(ledger.decisions()) == 1


def test_broken_ledger_is_named(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite").write_text("this is no database, and long enough to be read as a page" * 50)
    with pytest.raises(InputError, match=r"ledger\.sqlite cannot be used as a ledger"):
        Ledger(tmp_path / "ledger.sqlite")


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), corrections=st.dictionaries(st.integers(1, 400), st.integers(0, 255), max_size=8))
def test_lookup_equals_painting(seed: int, corrections: dict[int, int]) -> None:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 256, (6, 7)).astype(np.uint8)
    masks = rng.choice([0, 1, 2, 255, 256, 300, *list(corrections)[:3]], (6, 7))
    painted = labels.copy()
    for mask, label in corrections.items():
        painted[masks == mask] = label
    assert np.array_equal(apply_corrections(labels, masks, corrections), painted)


def test_export_is_a_set_again_and_overwrites_nothing(
    tiny_set: PseudoLabelSet, classes: ClassSet, tmp_path: Path
) -> None:
    state = LabelState(tiny_set, {"a": {300: 0}})
    exported = export_labels(state, ["a", "b/c"], classes, tmp_path / "out", {"round": 1})
    assert np.array_equal(exported.labels("a"), state.labels("a"))
    assert np.array_equal(exported.masks("a"), tiny_set.masks("a"))
    assert exported.labels("a")[3, 5] == 0
    assert Image.open(exported.label_path("a")).mode == "P"
    assert read_index_map(exported.label_path("a")).dtype == np.uint8
    with pytest.raises(InputError, match="is not empty"):
        export_labels(state, ["a"], classes, tmp_path / "out", {})
