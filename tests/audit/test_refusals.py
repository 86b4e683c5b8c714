"""Audits that are refused in a sentence, and what an audit warns of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from a2lc.classes import ClassSet
from a2lc.cli import main
from a2lc.foundation.images import read_index_map, write_label_map
from tests.support.audit_case import audit_arguments, colored_folder, read_rows, two_things
from tests.support.folders import make_folder


@pytest.fixture(scope="module")
def things() -> ClassSet:
    """Two classes of things and background."""
    return two_things()


# ---- wrong use


def refusal(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> str:
    assert main(arguments) == 2
    return capsys.readouterr().err


def test_images_without_labels(tmp_path: Path, classes: ClassSet, capsys: pytest.CaptureFixture[str]) -> None:
    data = make_folder(tmp_path / "data", classes, images=3, truth=False)
    assert "--labels" in refusal(capsys, audit_arguments(data, tmp_path / "audit"))
    folder = tmp_path / "labels"
    write_label_map(folder / "image00.png", np.zeros((48, 56), dtype=np.uint8), classes.palette())
    said = refusal(capsys, audit_arguments(data, tmp_path / "audit", "--labels", str(folder)))
    assert "'image01'" in said
    assert "'image02'" in said
    assert "'image00'" not in said
    assert not (tmp_path / "audit").exists()


def test_labels_without_images(tmp_path: Path, classes: ClassSet, capsys: pytest.CaptureFixture[str]) -> None:
    data = make_folder(tmp_path / "data", classes, images=3)
    write_label_map(data / "ground_truth" / "lost.png", np.zeros((48, 56), dtype=np.uint8), classes.palette())
    said = refusal(capsys, audit_arguments(data, tmp_path / "audit"))
    assert "'lost' has a label map but no image" in said


def test_sizes_that_differ_and_unknown_classes(
    tmp_path: Path, classes: ClassSet, capsys: pytest.CaptureFixture[str]
) -> None:
    data = make_folder(tmp_path / "data", classes, images=3)
    write_label_map(data / "ground_truth" / "image00.png", np.zeros((8, 9), dtype=np.uint8), classes.palette())
    write_label_map(data / "ground_truth" / "image01.png", np.full((48, 56), 9, dtype=np.uint8), classes.palette())
    said = refusal(capsys, audit_arguments(data, tmp_path / "audit"))
    assert "'image00': its image is 48x56 but its label map 8x9" in said
    assert "'image01'" in said
    assert "has class index 9" in said


def test_too_few_images_and_bad_options(tmp_path: Path, classes: ClassSet, capsys: pytest.CaptureFixture[str]) -> None:
    data = make_folder(tmp_path / "data", classes, images=3)
    assert "set --folds 3" in refusal(capsys, audit_arguments(data, tmp_path / "audit", "--folds", "4"))
    assert "folds" in refusal(capsys, audit_arguments(data, tmp_path / "audit", "--folds", "1"))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "holiday.txt").touch()
    assert "is not empty" in refusal(capsys, audit_arguments(data, tmp_path / "full"))
    assert "not finished" in refusal(capsys, audit_arguments(data, tmp_path / "audit", "--answers", "queue.csv"))


def test_changed_labels_are_noticed(tmp_path: Path, classes: ClassSet, capsys: pytest.CaptureFixture[str]) -> None:
    data = make_folder(tmp_path / "data", classes, images=3)
    assert main(audit_arguments(data, tmp_path / "audit", iterations=1)) == 0
    write_label_map(data / "ground_truth" / "image00.png", np.ones((48, 56), dtype=np.uint8), classes.palette())
    said = refusal(capsys, audit_arguments(data, tmp_path / "audit", iterations=1))
    assert "the labels or the list of images have changed" in said


def test_class_in_fewer_images_than_folds(
    tmp_path: Path, things: ClassSet, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    colored_folder(tmp_path / "data", things, images=3)
    for index in (0, 1):
        path = tmp_path / "data" / "ground_truth" / f"image{index:02d}.png"
        labels = read_index_map(path).astype(np.uint8)
        write_label_map(path, np.where(labels == 2, 1, labels).astype(np.uint8), things.palette())
    assert main(audit_arguments(tmp_path / "data", tmp_path / "audit", "--folds", "3", iterations=1)) == 0
    warning = "class blue <box> occurs in 1 image of a single fold"
    assert warning in caplog.text
    assert "Class blue &lt;box&gt; occurs in 1 image" in (tmp_path / "audit" / "report.html").read_text()
    rows = {row["given"]: row for row in read_rows(tmp_path / "audit" / "masks.csv")}
    assert rows["blue <box>"]["unseen_class"] == "True"
    assert rows["red box"]["unseen_class"] == "False"
