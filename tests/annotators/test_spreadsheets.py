"""The queue survives spreadsheets and people: what they do to keys, ids, rows, separators, encodings and words."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from a2lc.annotators import AnnotatorContext, AnnotatorSettings, AnswersAnnotator, Inbox, Query
from a2lc.annotators.filled import read_answers
from a2lc.annotators.inbox import Question
from a2lc.annotators.queue import write_queue
from a2lc.annotators.words import AnswerWords
from a2lc.classes import ClassSet, parse_classes
from a2lc.foundation.errors import InputError, WaitingForAnswers
from a2lc.labels.state import LabelState
from a2lc.labels.store import PseudoLabelSet, PseudoLabelWriter

IMAGES = ["007", "1e5", "2019-03-01", "3 March", "TRUE", "12:30", "photo"]
CLASSES = ["road", "car", "cat", "caf\u00e9", "bus stop", "yellow line"]
Rows = list[list[str]]


@pytest.fixture
def asked(tmp_path: Path) -> tuple[Path, list[Question], ClassSet]:
    """A queue about images with such names, its questions, and the classes."""
    classes = parse_classes({"classes": CLASSES}, "classes.yaml")
    writer = PseudoLabelWriter(tmp_path / "set", classes, {})
    for image_id in IMAGES:
        writer.write(image_id, np.zeros((4, 4), dtype=np.uint8), np.ones((4, 4), dtype=np.uint8))
    queries = [Query(image_id, 1, 0, 1.0, (0, 0)) for image_id in IMAGES]
    image = np.zeros((4, 4, 3), dtype=np.uint8)
    write_queue(tmp_path / "queue.csv", queries, LabelState(writer.finish()), lambda _: image, classes)
    return tmp_path / "queue.csv", [Question(number, query) for number, query in enumerate(queries)], classes


def rows_of(path: Path) -> Rows:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def text_of(rows: Sequence[Sequence[str]], delimiter: str = ",") -> str:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows(rows)
    return text.getvalue()


def answered(path: Path, answers: Sequence[str]) -> Rows:
    """The rows of a queue with these answers."""
    rows = rows_of(path)
    for row, answer in zip(rows[1:], answers, strict=True):
        row[rows[0].index("answer")] = answer
    return rows


def test_no_id_is_a_number_or_a_date_to_a_spreadsheet(asked: tuple[Path, list[Question], ClassSet]) -> None:
    path, *_ = asked
    heading, *rows = rows_of(path)
    ids = [row[heading.index("image_id")] for row in rows]
    assert ids == [*(f"'{name}" for name in IMAGES[:-1]), "photo"]
    assert [row[heading.index("key")] for row in rows] == [f"q{number:05d}" for number in range(1, 8)]


@pytest.mark.parametrize(
    "saved",
    [
        lambda rows: text_of(rows).encode("utf-16"),
        lambda rows: text_of(rows, "\t").encode("utf-16"),
        lambda rows: ("sep=;\r\n" + text_of(rows, ";")).encode("utf-8-sig"),
        lambda rows: ("sep=\t\n" + text_of(rows, "\t")).encode(),
        lambda rows: text_of([[""] * 8, *rows, [""] * 8, [], [" "] * 8]).encode(),
        lambda rows: text_of([[*row, "", ""] for row in rows], ";").encode(),
        lambda rows: text_of([rows[0], *reversed(rows[1:])]).encode(),
    ],
    ids=["UTF-16", "UTF-16 and tabs", "sep=;", "sep=tab", "blank rows", "trailing separators", "sorted"],
)
def test_what_spreadsheets_save_is_read(
    asked: tuple[Path, list[Question], ClassSet], saved: Callable[[Rows], bytes]
) -> None:
    path, questions, classes = asked
    path.write_bytes(saved(answered(path, ["car", "y", "no", "void", "skip", "5", "bus"])))
    answers = read_answers(path, questions, classes, "ann")
    said = [(answer.question, answer.kind, answer.label) for answer in answers]
    kinds = ["class", "yes", "no", "void", "skip", "class", "class"]
    labels = [1, None, None, None, None, 5, 4]
    assert said == list(zip(range(7), kinds, labels, strict=True))


def test_a_key_finds_the_row_whose_id_became_a_date(asked: tuple[Path, list[Question], ClassSet]) -> None:
    path, questions, classes = asked
    text = text_of(answered(path, ["car"] * 7))
    path.write_text(text.replace("'2019-03-01", "01/03/2019").replace("'3 March", "43892"), encoding="utf-8")
    assert len(read_answers(path, questions, classes, "ann")) == 7
    path.write_text(text.replace("photo", "another"), encoding="utf-8")
    with pytest.raises(InputError, match="line 8: mask 1 of 'another' was not asked about"):
        read_answers(path, questions, classes, "ann")
    path.write_text(text.replace("q00002", "2nd").replace("q00003", "q00009"), encoding="utf-8")
    with pytest.raises(InputError, match="key is '2nd'"):
        read_answers(path, questions, classes, "ann")


def test_seconds_are_kept(asked: tuple[Path, list[Question], ClassSet]) -> None:
    path, questions, classes = asked
    rows = answered(path, ["y"] * 7)
    column = rows[0].index("seconds")
    for row, seconds in zip(rows[1:], ["4.5", "4,5", "", "3", "0", " 2 ", "1.25"], strict=True):
        row[column] = seconds
    path.write_text(text_of(rows, ";"), encoding="utf-8")
    assert [a.seconds for a in read_answers(path, questions, classes, "ann")] == [4.5, 4.5, None, 3, 0, 2, 1.25]
    rows[1][column] = "-3"
    path.write_text(text_of(rows), encoding="utf-8")
    with pytest.raises(InputError, match="line 2: seconds is '-3'"):
        read_answers(path, questions, classes, "ann")


@pytest.mark.parametrize(
    ("written", "kind", "label"),
    [
        ("y", "yes", None),
        ("YES", "yes", None),
        ("No", "no", None),
        ("v", "void", None),
        ("cafe\u0301", "class", 3),
        ("ROAD", "class", 0),
        ("3", "class", 3),
        ("bus", "class", 4),
        ("r", "class", 0),
    ],
)
def test_words(written: str, kind: str, label: int | None) -> None:
    assert AnswerWords(parse_classes({"classes": CLASSES}, "classes.yaml")).read(written) == (kind, label)


def test_what_could_mean_two_things_is_not_guessed() -> None:
    words = AnswerWords(parse_classes({"classes": ["car", "cat", "3", "no", "sheep"]}, "classes.yaml"))
    with pytest.raises(ValueError, match="'ca' is ambiguous: write car or cat"):
        words.read("ca")
    with pytest.raises(ValueError, match="'s' is ambiguous: write sheep or skip"):
        words.read("s")
    assert words.read("3") == ("class", 2), "a name wins over a number"
    assert words.read("1") == ("class", 1)
    assert words.read("no") == words.read("n") == ("no", None), "a word wins over a name"
    with pytest.raises(ValueError, match="'9' is no class"):
        words.read("9")


def test_the_classes_stand_beside_the_queue(asked: tuple[Path, list[Question], ClassSet]) -> None:
    path, _, _ = asked
    lines = (path.parent / "classes.txt").read_text(encoding="utf-8").splitlines()
    assert [line.split() for line in lines[-2:]] == [["4", "bus", "stop"], ["5", "yellow", "line"]]


def test_a_part_is_taken_and_the_rest_waits(tiny_set: PseudoLabelSet, classes: ClassSet, tmp_path: Path) -> None:
    context = AnnotatorContext(
        settings=AnnotatorSettings(name="answers"),
        classes=classes,
        image=lambda image_id: np.zeros((4, 6, 3), dtype=np.uint8),
        ground_truth=None,
        inbox=tmp_path / "inbox.sqlite",
        round_index=1,
        batch=0,
        queue=tmp_path / "queue.csv",
    )
    state, queries = LabelState(tiny_set), [Query("a", 1, 1, 2.5, (0, 0)), Query("a", 300, 2, 1.5, (3, 3))]
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"
    first.write_text("image_id,mask_id,answer\na,1,disc\n")  # a queue of before keys, one of its rows lost
    with pytest.raises(WaitingForAnswers, match="1 of 2 answers are taken; 1 questions wait"):
        AnswersAnnotator(replace(context, answers=first)).answer(queries, state)
    second.write_text("image_id,mask_id,answer,seconds\na,1,,\na,300,no,4.5\n")
    one, other = AnswersAnnotator(replace(context, answers=second)).answer(queries, state)
    assert (one.label_after, one.relabelled, other.label_after, other.relabelled) == (2, True, None, False)
    assert (one.seconds, other.seconds) == (None, 4.5)
    inbox = Inbox(context.inbox)
    assert [inbox.history(question.id)[-1].kind for question in inbox.questions(1, 0)] == ["class", "no"]
