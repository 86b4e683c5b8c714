"""Our own queue, filled, is read again, whatever images and classes are called, and damaged ones are told."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from a2lc.annotators import Query, read_queue
from a2lc.annotators.filled import read_answers
from a2lc.annotators.inbox import Question
from a2lc.annotators.queue import write_queue
from a2lc.classes import ClassSet, parse_classes
from a2lc.foundation.errors import InputError
from a2lc.labels.state import LabelState
from a2lc.labels.store import PseudoLabelWriter
from tests.support.bad_files import BAD_QUEUES

IMAGES = [
    "007",
    "=1+1",
    "+x",
    "-5",
    "@home",
    "'=quoted",
    "'plain",
    "a ",
    " b",
    'say "hi"',
    "a,b;c",
    "caf\u00e9",
    "Zoe/x",
]
CLASSES = ["=SUM(A1)", "-", "road\nmarking", "sea\u2028side ", "Stra\u00dfe", "007", "a, b"]


@pytest.fixture
def asked(tmp_path: Path) -> tuple[Path, list[Question], ClassSet]:
    """A queue about images and classes with such names, its questions, and the classes."""
    classes = parse_classes({"classes": CLASSES}, "classes.yaml")
    writer = PseudoLabelWriter(tmp_path / "set", classes, {})
    for image_id in IMAGES:
        writer.write(image_id, np.zeros((4, 4), dtype=np.uint8), np.ones((4, 4), dtype=np.uint8))
    queries = [Query(image_id, 1, index % len(CLASSES), 1.0, (0, 0)) for index, image_id in enumerate(IMAGES)]
    image = np.zeros((4, 4, 3), dtype=np.uint8)
    write_queue(tmp_path / "queue.csv", queries, LabelState(writer.finish()), lambda _: image, classes)
    return tmp_path / "queue.csv", [Question(number, query) for number, query in enumerate(queries)], classes


def fill(path: Path, change: dict[str, str], answers: list[str], delimiter: str = ",") -> None:
    """Answer a queue as a spreadsheet would save it, with some cells changed on the way."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        for row, answer in zip(rows, answers, strict=True):
            image_id = change.get(row["image_id"], row["image_id"])
            writer.writerow(row | {"image_id": image_id, "answer": answer})


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_any_name_comes_back(asked: tuple[Path, list[Question], ClassSet], delimiter: str) -> None:
    path, questions, classes = asked
    assert [row.image_id for row in read_queue(path)] == IMAGES
    with path.open(newline="", encoding="utf-8") as file:
        cells = [text for row in csv.reader(file) for text in row]
    assert not [text for text in cells if text.startswith(("=", "+", "-", "@"))], "formulas to a spreadsheet"
    names = [classes.names[index % len(classes)] for index in range(len(IMAGES))]
    fill(path, {}, names, delimiter)
    answers = read_answers(path, questions, classes, "ann")
    assert [answer.label for answer in answers] == [index % len(classes) for index in range(len(IMAGES))]


def test_what_spreadsheets_and_people_make_of_names(asked: tuple[Path, list[Question], ClassSet]) -> None:
    path, questions, classes = asked
    written = ["7", "STRASSE", " Stra\u00dfe", "sea side", "Road  Marking", "A, B", "=sum(a1)"]
    fill(path, {"007": "7", "a ": "a", "caf\u00e9": "cafe\u0301", "Zoe/x": "zoe/x"}, [*written, *["YES", "Void"] * 3])
    answers = read_answers(path, questions, classes, "ann")
    assert [answer.label for answer in answers[:7]] == [5, 4, 4, 3, 2, 6, 0]
    assert [answer.kind for answer in answers[7:]] == ["yes", "void"] * 3


@pytest.mark.parametrize("what", BAD_QUEUES)
def test_damaged_queues(tmp_path: Path, what: str) -> None:
    path = tmp_path / "filled.csv"
    path.write_bytes(BAD_QUEUES[what])
    with pytest.raises(InputError, match=r"filled\.csv") as caught:
        read_queue(path)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["Car", "car"], "'Car' and 'car' differ only in case or Unicode form"),
        (["Stra\u00dfe", "strasse"], "differ only in case"),
        (["caf\u00e9", "cafe\u0301"], "stands twice"),
        (["car", "car"], "'car' stands twice"),
        (["Yes"], "reserved word"),
        (["a\x1bb"], "cannot be shown"),
        (["a\ud800"], "cannot be shown"),
    ],
)
def test_class_names_that_an_answer_could_confuse(names: list[str], words: str) -> None:
    with pytest.raises(InputError, match=words):
        parse_classes({"classes": names}, "classes.yaml")
