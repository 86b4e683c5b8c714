"""What a run warns of, and what it refuses because nothing would come of it."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

from a2lc.acquisition import MaskScores
from a2lc.acquisition.table import MaskTable
from a2lc.classes import ClassSet
from a2lc.cli import main
from a2lc.foundation.images import write_label_map
from a2lc.labels.ledger import Decision
from a2lc.loop.doubts import collapse, doubts
from tests.support.tiny import tiny_arguments, tiny_data


def table_of(labels: list[int]) -> MaskTable:
    """A table of masks 1, 2, … of one image with these labels before the round."""
    count = len(labels)
    scores = MaskScores(
        mask_id=np.arange(1, count + 1),
        pixels=np.ones(count, dtype=np.int64),
        label=np.array(labels),
        predicted=np.zeros(count, dtype=np.int64),
        representative=np.zeros((count, 2), dtype=np.int64),
        mean_probability=np.ones((count, 3), dtype=np.float32),
        score=np.zeros(count),
    )
    return MaskTable(("a",) * count, scores, (None,) * count, {})


def relabelled(masks: range, label: int) -> list[Decision]:
    return [Decision("a", mask, 0, label, True, False, "lcm") for mask in masks]


def test_a_class_that_takes_nearly_everything_is_told(classes: ClassSet) -> None:
    table = table_of([0, 1, 2] * 10)
    told = collapse(table, relabelled(range(1, 30), 1), classes)
    assert told is not None
    assert "97 % of the masks are now box, 33 % were" in told
    assert collapse(table, relabelled(range(1, 20), 1), classes) is None
    assert collapse(table_of([1] * 30), relabelled(range(1, 3), 1), classes) is None, "it was so before"
    assert collapse(table_of([0, 1, 2]), relabelled(range(1, 4), 1), classes) is None, "three masks say little"


@pytest.mark.parametrize(
    ("metrics", "words"),
    [
        ({"propagated_changes": 40, "propagated_precision": 0.45}, ["of 40 propagated changes 45 % are right"]),
        ({"propagated_changes": 40, "propagated_precision": 0.5}, []),
        ({"propagated_changes": 9, "propagated_precision": 0.0}, []),
        ({"p": 0.0, "annotator_changes": 100}, ["hardly any label that was asked about was right"]),
        ({"p": 0.1, "annotator_changes": 100}, []),
        ({"p": 0.0, "annotator_changes": 5}, []),
        ({"p": None, "propagated_changes": 0, "propagated_precision": None}, []),
    ],
)
def test_what_metrics_give_reason_to_doubt(metrics: dict[str, float | None], words: list[str]) -> None:
    told = list(doubts(metrics))
    assert len(told) == len(words)
    assert all(word in line for word, line in zip(words, told, strict=True))


@pytest.fixture
def void_data(tmp_path: Path, classes: ClassSet) -> Path:
    """Data whose labels are void everywhere, as superpixels are."""
    data = tiny_data(tmp_path / "data", classes)
    for path in (data / "pseudo_labels/labels").glob("*.png"):
        write_label_map(path, np.full((48, 56), 255, dtype=np.uint8), classes.palette())
    return data


def test_nothing_is_trained_on_labels_that_are_void_everywhere(
    void_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = tiny_arguments(void_data, tmp_path / "out")
    for verb in ("run", "train"):
        assert main([verb, *arguments]) == 2
        told = capsys.readouterr().err
        assert "void everywhere" in told
        assert "start=clicks" in told
    assert not (tmp_path / "out").exists()


def test_the_posterior_says_that_it_has_little_to_learn_from(
    void_data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = ("method=posterior", "training.iterations=0", "rounds=1")
    arguments = tiny_arguments(void_data, tmp_path / "out", *settings)
    with caplog.at_level(logging.WARNING, "a2lc"):
        assert main(["run", *arguments]) == 0
    assert sum("little to learn from" in message for message in caplog.messages) == 1
    summary = (tmp_path / "out/results/folder/summary.md").read_text()
    assert summary.index("unlabelled pixels counted as wrong") < summary.index("## Data mIoU (%)")
