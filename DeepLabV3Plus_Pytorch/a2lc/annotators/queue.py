"""The queue that people answer: queue.csv and one picture per question."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from a2lc.annotators.base import Query
from a2lc.annotators.page import PageQuestion, data_address, write_page
from a2lc.annotators.pictures import QuestionPainter
from a2lc.annotators.words import describe_answers
from a2lc.classes import ClassSet
from a2lc.foundation.errors import InputError, refuse
from a2lc.foundation.files import atomic_path, write_text
from a2lc.foundation.images import write_image
from a2lc.foundation.readers.tables import CsvRow, cell, read_csv
from a2lc.labels.ledger import Decision
from a2lc.labels.state import LabelState

COLUMNS = ("key", "image_id", "mask_id", "shown_class", "score", "answer", "seconds", "crop")
_NEEDED = ("image_id", "mask_id", "answer")  # earlier queues have neither keys nor seconds
_KEY = re.compile(r"[qQ]?0*([1-9]\d{0,8})")
_LONGEST_SECONDS = 12  # characters
_LONGEST_NUMBER = 9  # digits of a mask id, which ends at 65535
_REMEDY = "give a filled copy of queue.csv"


def write_queue(
    path: Path,
    queries: Sequence[Query],
    state: LabelState,
    image: Callable[[str], NDArray[np.uint8]],
    classes: ClassSet,
    answered: Iterable[Decision] = (),
) -> None:
    """Write a queue: crops, page and the list of classes first, the CSV last, so a queue that exists is complete.

    Args:
        path: The CSV; beside it go the crops, into the folder `crops_<name>`, questions.html and classes.txt.
        queries: The questions, most valuable first.
        state: Current masks.
        image: Gives the RGB image (H, W, 3) uint8 of an id.
        classes: Class names and colours.
        answered: Decisions so far, oldest first: masks whose class people confirmed are shown beside the questions.
    """
    painter = QuestionPainter(state, image, classes, answered)
    crops = path.parent / f"crops_{path.stem}"
    questions = []
    for index, query in enumerate(queries, start=1):
        key, crop = f"q{index:05d}", crops / f"{index:05d}.png"
        picture = painter.draw(query, key)
        write_image(crop, picture)
        shown, relative = classes.name_of(query.label), crop.relative_to(path.parent).as_posix()
        ids = key, cell(query.image_id), str(query.mask_id), cell(shown)
        row = (*ids, f"{query.score:.6g}", "", "", cell(relative))
        questions.append(PageQuestion(query, row, data_address(picture)))
    write_text(path.parent / "classes.txt", describe_answers(classes))
    if questions:
        write_page(path, COLUMNS, questions, classes)
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(question.row for question in questions)


@dataclass(frozen=True)
class QueueRow:
    """One line of a queue.

    Attributes:
        line: Number of the line.
        image_id: Image of the question, as the file has it.
        mask_id: Its mask.
        answer: The answer as written.
        number: Position of the question in its batch, from 1, which its key says; None in earlier queues.
        seconds: How long the answer took; None where nobody measured it.
    """

    line: int
    image_id: str
    mask_id: int
    answer: str
    number: int | None = None
    seconds: float | None = None


def read_queue(path: Path) -> list[QueueRow]:
    """Read a queue or a filled copy of one, as spreadsheets write them, see `read_csv`.

    Raises:
        InputError: When the file cannot be read, a column is missing, or a key, a mask id or seconds are none; all are
            listed.
    """
    if not path.exists():
        raise InputError(f"{path} cannot be read as a queue (it does not exist): {_REMEDY}")
    rows, problems = [], []
    for row in read_csv(path, _NEEDED, _REMEDY):
        try:
            rows.append(_row(row))
        except ValueError as error:
            problems.append(f"line {row.line}: {error}")
    refuse(f"{path} has lines that cannot be read; nothing was written", problems)
    return rows


def _row(row: CsvRow) -> QueueRow:
    """A row of the table. Raises ValueError with a sentence about a cell that cannot be meant."""
    mask = row["mask_id"].strip()
    if not (mask.isascii() and mask.isdecimal() and len(mask) <= _LONGEST_NUMBER):
        raise ValueError(f"mask_id is '{mask[:40]}', expected a whole number")
    answer, seconds = row["answer"].strip(), _seconds(row.cells.get("seconds", "").strip())
    return QueueRow(row.line, row["image_id"], int(mask), answer, _number(row.cells.get("key", "").strip()), seconds)


def _number(key: str) -> int | None:
    """The position that a key says."""
    found = _KEY.fullmatch(key)
    if key and not found:
        raise ValueError(f"key is '{key[:40]}', expected one such as q00001: copy it from the queue")
    return int(found[1]) if found else None


def _seconds(text: str) -> float | None:
    """Seconds as people write them, with a point or a comma."""
    plain = text.replace(",", ".")
    if not plain:
        return None
    if not plain.isascii() or len(plain) > _LONGEST_SECONDS or not plain.replace(".", "", 1).isdecimal():
        raise ValueError(f"seconds is '{text[:40]}', expected a number such as 4.5, or nothing")
    return float(plain)
