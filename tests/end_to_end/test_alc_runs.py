"""ALC's baselines through the whole loop: pools of pixels, partial expansion, and starts without any labels."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from a2lc.acquisition.table import read_mask_table
from a2lc.classes import ClassSet
from a2lc.cli import main
from a2lc.datasets.toyscapes import Toyscapes, ToyscapesSettings
from a2lc.labels.ledger import Ledger
from a2lc.labels.run_length import decode_runs
from a2lc.labels.state import LabelState
from a2lc.labels.store import PseudoLabelWriter, open_pseudo_labels
from a2lc.reporting.tables import read_seed_csv
from tests.support.tiny import SETTINGS, tiny_arguments, tiny_data

SCRIPT = Path(__file__).parents[2] / "DeepLabV3Plus_Pytorch" / "run_r_start.sh"
METHODS = ("aiou_adjusted", "alc_pixels", "alc_look_ahead", "alc_0.8", "alc_pixelpick")


@pytest.mark.slow
def test_every_baseline_runs_and_its_labels_follow_from_its_ledger(tmp_path: Path, classes: ClassSet) -> None:
    data = tiny_data(tmp_path / "data", classes)
    arguments = tiny_arguments(data, tmp_path / "out", f"method={','.join(METHODS)}", "training.validate_every=0")
    assert main(["run", *arguments, "propagation=none"]) == 0
    initial = open_pseudo_labels(data / "pseudo_labels")
    for method in METHODS:
        ledger = Ledger(tmp_path / "out/runs/folder/seed1" / method / "ledger.sqlite")
        answers = ledger.answers()
        assert len(answers) == 8
        asked = [(answer.image_id, answer.mask_id, answer.pixels) for answer in answers]
        assert len(set(asked)) == len(asked) or method == "alc_pixelpick"  # two of its pixels may share a mask
        state = LabelState(initial, ledger.corrections(), ledger.pixel_corrections())
        for image_id in initial.image_ids():
            labels, masks = initial.labels(image_id).copy(), initial.masks(image_id)
            for answer in answers:
                if answer.image_id == image_id and answer.relabelled:
                    assert answer.label_after is not None
                    inside = (
                        masks == answer.mask_id if answer.pixels is None else decode_runs(answer.pixels, masks.shape)
                    )
                    assert not answer.mask_id or (masks[inside] == answer.mask_id).all()
                    labels[inside] = answer.label_after
            assert np.array_equal(state.labels(image_id), labels)
        if method in ("alc_pixels", "alc_look_ahead"):
            assert all(text is not None and text.endswith(":1") for _, _, text in asked)
    rows = read_seed_csv(tmp_path / "out/results/folder/seed1.csv")
    assert {row["clicks"] for row in rows} == {0, 4, 8}


def test_a_pool_of_pixels_keeps_no_more_than_the_budget_could_ask(tmp_path: Path, classes: ClassSet) -> None:
    data = tiny_data(tmp_path / "data", classes)
    arguments = tiny_arguments(data, tmp_path / "out", "method=alc_pixels", "rounds=1", "training.validate_every=0")
    assert main(["run", *arguments, "inner_batch=3"]) == 0
    table = read_mask_table(tmp_path / "out/runs/folder/seed1/alc_pixels/round_1/mask_table.parquet")
    ledger = Ledger(tmp_path / "out/runs/folder/seed1/alc_pixels/ledger.sqlite")
    best = np.sort(table.scores.score)[::-1][:4]
    chosen = {(table.image_id[row], table.expansion[row]) for row in table.select(4, ())}
    assert len(ledger.answers()) == 4
    assert {(answer.image_id, answer.pixels) for answer in ledger.answers()} == chosen
    assert (best >= 0).all()
    assert len(table.image_id) <= 4 * 6  # never more than the budget from one image


def without_labels(data: Path, classes: ClassSet) -> Path:
    """The masks of a data set without their labels, as superpixels would be."""
    given = open_pseudo_labels(data / "pseudo_labels")
    writer = PseudoLabelWriter(data / "masks_only", classes, {"backend": "test"})
    for image_id in given.image_ids():
        masks = given.masks(image_id)
        writer.write(image_id, np.full(masks.shape, 255, dtype=np.uint8), masks)
    return writer.finish().root


@pytest.mark.parametrize("method", ["alc", "a2lc"])
def test_a_run_starts_from_clicks_alone(tmp_path: Path, classes: ClassSet, method: str) -> None:
    data = tiny_data(tmp_path / "data", classes)
    masks = without_labels(data, classes)
    settings = [f"method={method}", f"pseudo_labels={masks}", "start=clicks", "start.clicks=9", "rounds=1"]
    assert main(["run", *tiny_arguments(data, tmp_path / "out", *settings)]) == 0
    folder = tmp_path / "out/runs/folder/seed1"
    ledger = Ledger(folder / method / "ledger.sqlite")
    first = ledger.answers(up_to_round=0)
    assert len(first) == 9
    assert len(ledger.answers()) == 13
    assert not {answer.key for answer in first} & {answer.key for answer in ledger.answers()[9:]}
    started, answered = open_pseudo_labels(folder / "start" / "pseudo_labels"), ledger.corrections(up_to_round=0)
    for image_id in started.image_ids():
        labels, ids = started.labels(image_id), started.masks(image_id)
        assert (labels != 255).all()
        for mask, label in answered.get(image_id, {}).items():
            assert (labels[ids == mask] == label).all()
        for mask in np.unique(ids[ids > 0]):
            assert len(np.unique(labels[ids == mask])) == 1
    rows = read_seed_csv(tmp_path / "out/results/folder/seed1.csv")
    assert [row["clicks"] for row in rows] == [9, 13]


def test_people_can_start_it_too(tmp_path: Path, classes: ClassSet, capsys: pytest.CaptureFixture[str]) -> None:
    data = tiny_data(tmp_path / "data", classes, truth=False)
    masks = without_labels(data, classes)
    settings = [f"pseudo_labels={masks}", "start=clicks", "start.clicks=5", "annotator=answers", "rounds=1"]
    assert main(["run", *tiny_arguments(data, tmp_path / "out", *settings)]) == 3
    queue = tmp_path / "out/runs/folder/seed1/start/queue.csv"
    header, *lines = queue.read_text().splitlines()
    column, shown = header.split(",").index("answer"), header.split(",").index("shown_class")
    answered = [line.split(",") for line in lines]
    for index, cells in enumerate(answered):
        assert cells[shown] == "void"
        cells[column] = ("ground", "box", "disc")[index % 3]
    queue.write_text("\n".join([header, *(",".join(cells) for cells in answered)]) + "\n")
    assert main(["run", *tiny_arguments(data, tmp_path / "out", *settings)]) == 3
    assert (tmp_path / "out/runs/folder/seed1/start/pseudo_labels/manifest.json").exists()
    assert "queue.csv" in capsys.readouterr().err


def test_pixels_are_not_asked_of_people(tmp_path: Path, classes: ClassSet, capsys: pytest.CaptureFixture[str]) -> None:
    data = tiny_data(tmp_path / "data", classes)
    assert main(["run", *tiny_arguments(data, tmp_path / "out", "method=alc_pixels", "annotator=answers")]) == 2
    assert "pixels are asked of ground truth" in capsys.readouterr().err


@pytest.mark.slow
def test_one_command_from_images_to_corrected_labels(tmp_path: Path) -> None:
    """Toyscapes without its masks and labels: superpixels, clicks, a network, a round, corrected labels."""
    data = Toyscapes(ToyscapesSettings(root=tmp_path / "toys", train_images=6, val_images=2, height=64, width=96))
    shutil.rmtree(tmp_path / "toys" / "pseudo_labels")
    settings = [*SETTINGS, "propagation=none", "start.clicks=12", "rounds=1", "budget=6", "training.iterations=20"]
    command = ["bash", str(SCRIPT), str(tmp_path / "toys"), str(tmp_path / "out"), *settings]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = os.environ | {"PATH": path, "SUPERPIXELS": "slic", "SEGMENTS": "40"}
    subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    corrected = open_pseudo_labels(tmp_path / "out" / "corrected")
    assert corrected.image_ids() == sorted(data.ids("train"))
    ledger = Ledger(tmp_path / "out/runs/r_start/seed1/alc/ledger.sqlite")
    assert len(ledger.answers()) == 18
    for image_id, answered in ledger.corrections().items():
        labels, masks = corrected.labels(image_id), corrected.masks(image_id)
        assert all((labels[masks == mask] == label).all() for mask, label in answered.items())
    assert "run_r_start.sh" in (tmp_path / "out/results/r_start/summary.md").read_text()
    again = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    assert "is there already" in again.stderr
