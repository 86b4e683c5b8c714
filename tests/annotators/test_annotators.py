"""The simulated annotator's rules by hand, and the queue that people answer."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from a2lc.annotators import AnnotatorContext, AnnotatorSettings, AnswersAnnotator, GroundTruthAnnotator, Query
from a2lc.classes import ClassSet
from a2lc.foundation.errors import InputError, WaitingForAnswers
from a2lc.foundation.images import read_image
from a2lc.labels.state import LabelState
from a2lc.labels.store import PseudoLabelSet, PseudoLabelWriter


class Truth:
    """One ground-truth map for every image."""

    def __init__(self, values: list[int]) -> None:
        self._map = np.array([values], dtype=np.uint8)

    def labels(self, image_id: str) -> np.ndarray:
        return self._map


def state_of(tmp_path: Path, classes: ClassSet, labels: list[int], masks: list[int]) -> LabelState:
    writer = PseudoLabelWriter(tmp_path / "set", classes, {})
    writer.write("x", np.array([labels], dtype=np.uint8), np.array([masks]))
    return LabelState(writer.finish())


@pytest.mark.parametrize(
    ("rule", "void", "labels", "truth", "point", "after", "relabelled"),
    [
        ("majority", "answer", [1, 1, 1, 1], [2, 2, 2, 1], 3, 2, True),  # most pixels are disc
        ("representative", "answer", [1, 1, 1, 1], [2, 2, 2, 1], 3, 1, True),  # the class at the pixel, right or not
        ("majority", "answer", [1, 1, 1, 1], [1, 1, 2, 2], 2, 1, True),  # exactly half agrees: asked; tie: first met
        ("majority", "answer", [1, 1, 1, 1], [1, 1, 1, 2], 3, 1, False),  # more than half agrees: left alone
        ("majority", "answer", [1, 1, 1, 1], [255, 255, 255, 2], 0, 255, True),  # void erases the mask
        ("majority", "ignore", [1, 1, 1, 1], [255, 255, 255, 2], 0, 2, True),  # void has no vote
        ("majority", "ignore", [1, 1, 1, 1], [255, 255, 255, 1], 0, 1, False),
        ("majority", "ignore", [1, 1, 1, 1], [255] * 4, 0, 1, False),  # void alone says nothing
        ("representative", "ignore", [1, 1, 1, 1], [255, 2, 2, 2], 0, 1, False),
        ("majority", "answer", [2, 1, 1, 2], [2, 1, 1, 2], 0, 2, False),  # mixed labels, all right: first met is shown
    ],
)
def test_rules(
    tmp_path: Path, classes: ClassSet, rule: str, void: str, labels: list[int], truth: list[int], point: int,
    after: int, relabelled: bool,
) -> None:  # fmt: skip
    state = state_of(tmp_path, classes, labels, [7, 7, 7, 7])
    settings = AnnotatorSettings.model_validate({"rule": rule, "void": void})
    (decision,) = GroundTruthAnnotator(Truth(truth), settings).answer([Query("x", 7, 1, 0.0, (0, point))], state)
    assert (decision.label_before, decision.label_after, decision.relabelled) == (labels[0], after, relabelled)
    assert decision.queried


def test_ground_truth_of_another_size_is_refused(tmp_path: Path, classes: ClassSet) -> None:
    state = state_of(tmp_path, classes, [1, 1], [7, 7])
    with pytest.raises(InputError, match=r"ground truth of 'x' is \(1, 3\) but its mask map is \(1, 2\)"):
        GroundTruthAnnotator(Truth([1, 1, 1]), AnnotatorSettings()).answer([Query("x", 7, 1, 0.0, (0, 0))], state)


@pytest.fixture
def ask(tiny_set: PseudoLabelSet, classes: ClassSet, tmp_path: Path) -> Callable[[Path], AnswersAnnotator]:
    image = np.random.default_rng(0).integers(0, 255, (4, 6, 3)).astype(np.uint8)
    context = AnnotatorContext(
        settings=AnnotatorSettings(name="answers"),
        classes=classes,
        image=lambda image_id: image,
        ground_truth=None,
        inbox=tmp_path / "inbox.sqlite",
        round_index=1,
        batch=0,
        queue=tmp_path / "queue.csv",
        person="ann",
    )
    return lambda answers: AnswersAnnotator(replace(context, answers=answers))


QUERIES = [Query("a", 1, 1, 2.5, (0, 0)), Query("a", 300, 2, 1.5, (3, 3))]


def fill(path: Path, answers: list[str], target: Path, delimiter: str = ",") -> Path:
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    with target.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        for row, answer in zip(rows, answers, strict=True):
            writer.writerow({**row, "answer": answer})
    return target


def test_queue_is_written_once_and_waits(
    ask: Callable[[Path], AnswersAnnotator], tiny_set: PseudoLabelSet, tmp_path: Path
) -> None:
    queue, state = tmp_path / "queue.csv", LabelState(tiny_set)
    with pytest.raises(WaitingForAnswers, match="2 questions wait in"):
        ask(queue).answer(QUERIES, state)
    with queue.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["image_id"], row["mask_id"], row["shown_class"], row["answer"]) for row in rows] == [
        ("a", "1", "box", ""),
        ("a", "300", "disc", ""),
    ]
    assert all(read_image(tmp_path / row["crop"]).ndim == 3 for row in rows)
    fill(queue, ["yes", ""], queue)
    before = queue.read_bytes()
    with pytest.raises(WaitingForAnswers, match="1 of 2 answers are taken; 1 questions wait"):
        ask(queue).answer(QUERIES, state)
    assert queue.read_bytes() == before


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_answers_are_taken(
    ask: Callable[[Path], AnswersAnnotator], tiny_set: PseudoLabelSet, tmp_path: Path, delimiter: str
) -> None:
    state = LabelState(tiny_set)
    ask(tmp_path / "none").ask(QUERIES, state)
    filled = fill(tmp_path / "queue.csv", [" Disc ", "skip"], tmp_path / "filled.csv", delimiter)
    first, second = ask(filled).answer(QUERIES, state)
    assert (first.label_before, first.label_after, first.relabelled, first.annotator) == (1, 2, True, "ann")
    assert (second.label_after, second.relabelled, second.queried) == (None, False, True)
    fill(tmp_path / "queue.csv", ["box", "void"], filled)
    first, second = ask(filled).answer(QUERIES, state)
    assert (first.label_after, first.relabelled) == (1, False), "naming the shown class confirms it"
    assert (second.label_after, second.relabelled) == (255, True)


def test_every_wrong_row_is_listed(
    ask: Callable[[Path], AnswersAnnotator], tiny_set: PseudoLabelSet, tmp_path: Path
) -> None:
    state, filled = LabelState(tiny_set), tmp_path / "filled.csv"
    filled.write_text("image_id,mask_id,answer\na,1,dics\na,1,yes\nb,9,yes\n")
    with pytest.raises(InputError) as caught:
        ask(filled).answer(QUERIES, state)
    for part in (
        "line 2: the answer 'dics' is no class: did you mean disc?",
        "line 3: mask 1 of 'a' is answered twice",
        "line 4: mask 9 of 'b' was not asked about",
        "nothing was written",
    ):
        assert part in str(caught.value)
    filled.write_text("image,mask\na,1\n")
    with pytest.raises(InputError, match="the column 'image_id' is missing"):
        ask(filled).answer(QUERIES, state)
    with pytest.raises(InputError, match="cannot be read as a queue"):
        ask(tmp_path / "nowhere.csv").answer(QUERIES, state)
    filled.write_text("image_id,mask_id,answer\na,one,yes\n")
    with pytest.raises(InputError, match="line 2: mask_id is 'one'"):
        ask(filled).answer(QUERIES, state)
