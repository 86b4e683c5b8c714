"""Which settings a folder holds on to: those by which something was made in it."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from a2lc.classes import ClassSet
from a2lc.cli import main
from a2lc.foundation.files import read_json
from tests.support.tiny import seed_table, tiny_arguments, tiny_data


@pytest.fixture
def data(tmp_path: Path, classes: ClassSet) -> Path:
    return tiny_data(tmp_path / "data", classes)


def test_a_run_that_failed_before_it_made_anything_goes_on_when_its_setting_is_mended(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = tiny_arguments(data, tmp_path / "out", "method=random", "rounds=0", "training.iterations=2")
    assert main(["run", *arguments, "network.backbone=no_such_network"]) == 2
    assert "no_such_network" in capsys.readouterr().err
    assert main(["run", *arguments]) == 0
    recorded = (tmp_path / "out/runs/folder/seed1/round_0/config.yaml").read_text()
    assert "backbone: test_resnet" in recorded


def test_a_folder_in_which_something_was_made_keeps_its_settings(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = tiny_arguments(data, tmp_path / "out", "training.iterations=0", "rounds=1", "annotator=answers")
    assert main(["run", *arguments, "method=random"]) == 3
    capsys.readouterr()
    for method in ("random", "area"):  # the first network is shared
        assert main(["run", *arguments, f"method={method}", "network.backbone=resnet18"]) == 2
        assert "was made with another configuration" in capsys.readouterr().err


def test_a_method_of_which_nothing_was_made_may_change_while_its_first_network_stands(
    data: Path, tmp_path: Path
) -> None:
    arguments = tiny_arguments(data, tmp_path / "out", "method=random", "training.iterations=0")
    assert main(["run", *arguments, "rounds=0", "annotator=answers"]) == 0
    assert main(["run", *arguments, "rounds=1", "annotator=ground_truth"]) == 0


def clicks(output: Path) -> list[str]:
    return [row["clicks"] for row in seed_table(output)]


def test_more_rounds_with_another_budget_are_an_ordinary_wish(data: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    arguments = tiny_arguments(data, output, "method=random", "training.iterations=0")
    assert main(["run", *arguments, "rounds=1", "budget=4", "inner_batch=1"]) == 0
    before = (output / "runs/folder/seed1/random/round_1/metrics.json").read_bytes()
    assert main(["run", *arguments, "rounds=3", "budget=6", "inner_batch=2"]) == 0
    assert clicks(output) == ["0", "4", "10", "16"]
    assert (output / "runs/folder/seed1/random/round_1/metrics.json").read_bytes() == before
    notes = [read_json(output / f"runs/folder/seed1/random/round_{index}/made_with.json") for index in (1, 2, 3)]
    assert [(note["budget"], note["inner_batch"]) for note in notes] == [(4, 1), (6, 2), (6, 2)]
    assert main(["run", *arguments, "rounds=3", "budget=4"]) == 0
    assert clicks(output) == ["0", "4", "10", "16"]


def test_a_round_ends_with_the_budget_that_it_was_begun_with(data: Path, tmp_path: Path, classes: ClassSet) -> None:
    photos = tiny_data(tmp_path / "photos", classes, truth=False)
    arguments = tiny_arguments(photos, tmp_path / "out", "method=random", "training.iterations=0", "annotator=answers")
    assert main(["run", *arguments, "rounds=2", "budget=2"]) == 3
    method = tmp_path / "out/runs/folder/seed1/random"
    assert main(["run", *arguments, "rounds=2", "budget=3"]) == 3
    answer(method / "round_1/queue.csv", 2)
    assert main(["run", *arguments, "rounds=2", "budget=3"]) == 3
    answer(method / "round_2/queue.csv", 3)
    assert main(["run", *arguments, "rounds=2", "budget=3"]) == 0


def test_a_round_of_an_earlier_version_keeps_the_budget_of_its_folder(data: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    arguments = tiny_arguments(data, output, "method=random", "training.iterations=0")
    assert main(["run", *arguments, "rounds=1", "budget=4", "inner_batch=2"]) == 0
    (output / "runs/folder/seed1/random/round_1/made_with.json").unlink()
    assert main(["run", *arguments, "rounds=2", "budget=8", "inner_batch=1"]) == 0
    assert clicks(output) == ["0", "4", "12"]


def answer(queue: Path, count: int) -> None:
    """Say yes to every question of a queue, of which there are so many."""
    with queue.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == count
    with queue.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows({**row, "answer": "yes"} for row in rows)
