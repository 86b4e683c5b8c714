"""Every metric column keeps its contract, and one of another package needs no more than to be announced."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from a2lc.classes import ClassSet
from a2lc.evaluation.columns import COLUMNS, FinishedRound, QualityColumn, all_columns, describe_columns, measure
from a2lc.evaluation.metrics import ConfusionMatrix
from a2lc.evaluation.truth import MajorityClasses
from a2lc.labels.ledger import Decision
from a2lc.labels.store import PseudoLabelSet
from tests.support.tiny import tiny_arguments, tiny_data

ROOT = Path(__file__).parents[2]
ASKED = (
    Decision("a", 1, 1, 1, False, True, "answers", seconds=1.5),
    Decision("a", 300, 2, 0, True, True, "answers", seconds=2.0),
    Decision("a", 7, 2, None, False, True, "answers"),
    Decision("a", 8, 2, 255, True, True, "answers"),
)
PROPAGATED = (Decision("a", 1, 2, 1, True, False, "lcm"), Decision("a", 300, 2, 1, True, False, "posterior"))


@pytest.fixture
def finished(classes: ClassSet, tiny_set: PseudoLabelSet) -> FinishedRound:
    """A round of which everything is known; the labels of the set are their own ground truth."""
    confusion = ConfusionMatrix(len(classes))
    confusion.update(np.array([0, 1, 1, 255]), np.array([0, 1, 2, 0]))
    return FinishedRound(
        index=1,
        classes=classes,
        training={"best_mean_iou": 0.5, "last_mean_iou": 0.25},
        decisions=(*ASKED, *PROPAGATED),
        asked=ASKED,
        confusion=confusion,
        majority=MajorityClasses(tiny_set, tiny_set.masks, len(classes)),
        about={"class_imbalance": 0.125},
        seconds={"train": 6.5, "score": 1.0, "annotate": 0.5, "propagate": 0.25, "evaluate": 0.125},
    )


@pytest.fixture
def unknown(classes: ClassSet) -> FinishedRound:
    """A round without questions, ground truth and validation."""
    return FinishedRound(index=0, classes=classes, training={"best_mean_iou": None, "last_mean_iou": None})


@pytest.mark.parametrize("name", COLUMNS.names())
def test_a_number_lies_in_the_range_of_its_unit(name: str, finished: FinishedRound) -> None:
    column = COLUMNS[name]
    assert column.name == name
    for heading, value in column.cells(finished).items():
        assert heading == name or heading.startswith(f"{name}_")
        assert value is not None
        assert 0 <= value <= column.unit.highest


@pytest.mark.parametrize("name", COLUMNS.names())
def test_what_is_not_known_is_none_and_not_a_number(name: str, unknown: FinishedRound) -> None:
    column = COLUMNS[name]
    nothing = {"fraction": [None], "nats": [None], "count": [0], "clicks": [0], "bits": [0], "seconds": [None, 0]}
    for value in column.cells(unknown).values():
        assert value in nothing[column.unit.name]


def test_the_numbers_of_a_round_computed_by_hand(finished: FinishedRound) -> None:
    expected = {
        "clicks": 4,
        "bits": 1 + np.log2(3) + 1 + np.log2(3),
        "bits_classification": 4 * np.log2(3),
        "annotator_seconds": 3.5,
        "data_miou": (1 + 1 / 2 + 0) / 3,
        "model_miou_best": 0.5,
        "p": 1 / 3,
        "skipped": 1,
        "annotator_changes": 2,
        "void_answers": 1,
        "propagated_changes": 2,
        "propagated_precision": 0.5,  # mask 1 is a box, mask 300 a disc
        "propagated_right_before": 0.5,
        "class_imbalance": 0.125,
        "iou_box": 0.5,
        "seconds_evaluate": 0.125,
    }
    measured = measure(finished)
    assert {name: measured[name] for name in expected} == pytest.approx(expected)


def test_a_variant_is_of_a_column_that_there_is() -> None:
    variants = [column.variant_of for column in all_columns() if isinstance(column, QualityColumn)]
    assert set(variants) - {""} <= set(COLUMNS.names())


def test_no_name_is_used_for_another_column_than_before() -> None:
    former = [column.formerly for column in all_columns() if column.formerly]
    assert len(former) == len(set(former))
    assert not set(former) & set(COLUMNS.names())


def test_the_documentation_lists_every_column() -> None:
    assert describe_columns() in (ROOT / "docs/columns.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_column_of_another_package_appears_in_the_tables(tmp_path: Path, classes: ClassSet) -> None:
    """An installed package that announces its module: the command line was told nothing."""
    installed = tmp_path / "site"
    (installed / "toy-1.0.dist-info").mkdir(parents=True)
    (installed / "toy-1.0.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: toy\nVersion: 1.0\n")
    (installed / "toy-1.0.dist-info/entry_points.txt").write_text("[a2lc.columns]\nimages_asked = toy_column\n")
    (installed / "toy_column.py").write_text((ROOT / "tests/support/toy_column.py").read_text())
    arguments = tiny_arguments(tiny_data(tmp_path / "data", classes), tmp_path / "out", "method=random", "rounds=1")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(installed), *sys.path])}
    program = "import sys; from a2lc.cli import main; sys.exit(main(sys.argv[1:]))"
    subprocess.run([sys.executable, "-c", program, "run", *arguments], check=True, env=environment)

    results = tmp_path / "out/results/folder"
    with (results / "seed1.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[0]["images_asked"] == "0"
    assert 1 <= int(rows[1]["images_asked"]) <= 4  # four questions
    assert "| images asked |" in (results / "summary.md").read_text()
    assert "- images asked: images with a question so far." in (results / "summary.md").read_text()
