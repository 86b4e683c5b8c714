"""Both wings end to end, offline: tiny random models draw masks, and the correction loop learns from them."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from a2lc.classes import ClassSet
from a2lc.cli import main as a2lc
from grounded_sam.cli import main as grounded_sam
from tests.support.folders import make_folder
from tests.support.gsam_tiny import EDGES, save_detector, save_segmenter
from tests.support.tiny import tiny_arguments


def test_from_photos_and_class_names_to_corrected_labels(
    tmp_path: Path, classes: ClassSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    data, masks = make_folder(tmp_path / "data", classes, images=4), tmp_path / "masks"
    models = [
        f"detector.model={save_detector(tmp_path / 'detector')}",
        f"segmenter.model={save_segmenter(tmp_path / 'segmenter')}",
        *(f"detector.{edge}={pixels}" for edge, pixels in EDGES.items()),
    ]
    command = ["generate", "folder", f"dataset.root={data}", f"output={masks}", "device=cpu", *models]
    assert grounded_sam([*command, "filters.score_threshold=0.0"]) == 0
    assert (masks / "contact_sheet.png").is_file()

    arguments = tiny_arguments(data, tmp_path / "out", f"pseudo_labels={masks}", "rounds=1", "budget=2")
    assert a2lc(["run", *arguments]) == 0
    with (tmp_path / "out" / "results" / "folder" / "seed1.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["clicks"] for row in rows] == ["0", "2"]
