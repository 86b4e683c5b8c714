"""The cost model: numbers known from ALC, the formula counted query by query, and the columns of a run."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from a2lc.classes import ClassSet
from a2lc.cli import main
from a2lc.evaluation.columns import measure
from a2lc.evaluation.cost import (
    answer_seconds,
    as_classifications,
    as_corrections,
    classification_bits,
    correction_bits,
    saving,
)
from a2lc.foundation.files import write_json
from a2lc.labels.ledger import Decision, Ledger
from a2lc.loop.config import load_config
from a2lc.loop.evaluation import finished_round
from a2lc.loop.run import Run
from a2lc.reporting import read_seed_csv
from tests.support.tiny import tiny_arguments, tiny_data

SHARES, CLASSES = st.floats(0, 1), st.integers(2, 255)
RIGHT, WRONG, SKIPPED = (5, False), (2, True), (None, False)  # label after, whether it was set


def decision(answer: tuple[int | None, bool], seconds: float | None = None) -> Decision:
    label, relabelled = answer
    return Decision("image", 1, 5, label, relabelled, queried=True, source="answers", seconds=seconds)


@pytest.mark.parametrize(("num_classes", "p", "ratio"), [(20, 0.5, 0.616), (21, 0.27, 0.791), (19, 0.5, 0.618)])
def test_ratios_of_correction_to_classification(num_classes: int, p: float, ratio: float) -> None:
    assert correction_bits(p, num_classes) / classification_bits(num_classes) == pytest.approx(ratio, abs=5e-4)


@given(SHARES, CLASSES)
def test_saving_is_what_correction_does_not_cost(p: float, num_classes: int) -> None:
    ratio = correction_bits(p, num_classes) / classification_bits(num_classes)
    assert saving(p, num_classes) == pytest.approx(1 - ratio, abs=1e-12)
    assert 0 <= saving(p, num_classes) < 1


def test_two_classes_save_nothing() -> None:
    assert classification_bits(2) == correction_bits(0.3, 2) == 1
    assert saving(0.3, 2) == 0


@pytest.mark.parametrize("p", [-0.1, 1.1, math.nan])
def test_what_is_no_share_is_refused(p: float) -> None:
    for function in (correction_bits, saving):
        with pytest.raises(ValueError, match=r"p must be a share in \[0, 1\]"):
            function(p, 20)


@pytest.mark.parametrize("num_classes", [-1, 0, 1])
def test_fewer_than_two_classes_are_refused(num_classes: int) -> None:
    with pytest.raises(ValueError, match="num_classes must be at least 2"):
        classification_bits(num_classes)
    with pytest.raises(ValueError, match="num_classes must be at least 2"):
        saving(0.5, num_classes)


@given(st.lists(st.sampled_from([RIGHT, WRONG, SKIPPED]), max_size=30), CLASSES)
def test_queries_are_charged_one_by_one(answers: list[tuple[int | None, bool]], num_classes: int) -> None:
    asked = [decision(answer) for answer in answers]
    bits = as_corrections(asked, num_classes)
    one_by_one = sum({RIGHT: 1, SKIPPED: 1, WRONG: math.log2(num_classes)}[answer] for answer in answers)
    assert bits == pytest.approx(one_by_one)
    assert as_classifications(asked, num_classes) == pytest.approx(len(answers) * math.log2(num_classes))
    if SKIPPED not in answers and answers:
        p = answers.count(RIGHT) / len(answers)
        assert bits == pytest.approx(len(answers) * correction_bits(p, num_classes))


def test_seconds_are_those_that_were_recorded() -> None:
    assert answer_seconds([]) == 0
    assert answer_seconds([decision(RIGHT)]) is None
    asked = [decision(RIGHT, 1.5), decision(SKIPPED), decision(WRONG, 2.25)]
    assert answer_seconds(asked) == 3.75


def test_a_single_class_has_no_cost_in_bits() -> None:
    assert as_corrections([decision(WRONG)], 1) is None
    assert as_classifications([decision(WRONG)], 1) is None


def test_columns_and_reports_of_a_run(tmp_path: Path, classes: ClassSet, capsys: pytest.CaptureFixture[str]) -> None:
    settings = tiny_arguments(tiny_data(tmp_path / "data", classes), tmp_path / "out", "method=random")
    assert main(["run", *settings]) == 0
    results = tmp_path / "out/results/folder"
    asked = [one for one in Ledger(tmp_path / "out/runs/folder/seed1/random/ledger.sqlite").decisions() if one.queried]
    assert any(one.relabelled for one in asked)
    assert not all(one.relabelled for one in asked)
    for row in read_seed_csv(results / "seed1.csv"):
        so_far = asked[: int(row["clicks"] or 0)]  # four in each round
        assert row["bits"] == pytest.approx(sum(math.log2(3) if one.relabelled else 1 for one in so_far))
        assert row["bits_classification"] == pytest.approx(len(so_far) * math.log2(3))
        assert row["annotator_seconds"] == (None if so_far else 0)

    assert main(["report", *settings, "--against", "bits"]) == 0
    assert (results / "miou_bits.png").stat().st_size > 1000
    assert "In brackets: bits so far." in (results / "summary.md").read_text()
    capsys.readouterr()
    assert main(["report", *settings, "--against", "seconds"]) == 2
    assert "no round of the results has seconds of an annotator" in capsys.readouterr().err
    assert not (results / "miou_seconds.png").exists()


def test_every_question_is_charged(tmp_path: Path, classes: ClassSet) -> None:
    """Those of a start without labels in round 0, and each of several about one mask."""
    for name in ("given", "clicks"):
        (config,) = load_config("demo", ["method=a2lc", f"start.name={name}", f"output={tmp_path / name}"])
        data: Any = SimpleNamespace(classes=classes, ground_truth=None)
        run = Run(config, 1, data, data, torch.device("cpu"))
        write_json(run.round_folder(0) / "training.json", {"best_mean_iou": 0.5, "last_mean_iou": 0.5})
        if name == "clicks":
            run.ledger.record(0, 0, "annotate", [decision(answer) for answer in (WRONG, WRONG, RIGHT)])
        metrics = measure(finished_round(run, 0))
        expected = {"given": (0, 0, None), "clicks": (3, 2 * math.log2(3) + 1, 1 / 3)}[name]
        assert (metrics["clicks"], metrics["bits"], metrics["p"]) == pytest.approx(expected)
