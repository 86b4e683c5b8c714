"""The queue file as a door to the inbox: the rows of a filled queue, checked all together, as single answers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from a2lc.annotators.inbox import Answer, Question
from a2lc.annotators.queue import QueueRow, read_queue
from a2lc.annotators.words import AnswerWords
from a2lc.classes import ClassSet
from a2lc.foundation.errors import refuse
from a2lc.foundation.ids import Names
from a2lc.foundation.readers.tables import could_change


def read_answers(path: Path, questions: Sequence[Question], classes: ClassSet, annotator: str) -> list[Answer]:
    """The answers of a filled queue, in the order of the questions; rows that are empty or missing give none.

    Args:
        path: The filled queue.
        questions: What was asked.
        classes: The classes that an answer may name.
        annotator: Who answered.

    Raises:
        InputError: When a row is not valid, answered twice or was never asked; all problems are listed.
    """
    rows, asked, words = read_queue(path), _Asked(questions), AnswerWords(classes)
    seen: set[int] = set()
    given: dict[int, Answer] = {}
    problems: list[str] = []
    for row in rows:
        question = asked.by(row)
        about = f"line {row.line}: mask {row.mask_id} of '{row.image_id}'"
        if question is None:
            problems.append(f"{about} was not asked about: remove the row")
            continue
        if question.id in seen:
            problems.append(f"{about} is answered twice: remove one row")
            continue
        seen.add(question.id)
        if row.answer:
            try:
                kind, label = words.read(row.answer)
                given[question.id] = Answer(question.id, annotator, kind, label, seconds=row.seconds)
            except ValueError as error:
                problems.append(f"line {row.line}: {error}")
    refuse(f"the answers in {path} cannot be taken; nothing was written", problems)
    return [given[question.id] for question in questions if question.id in given]


def is_about(path: Path, questions: Sequence[Question]) -> bool:
    """Whether every row of a filled queue is about one of these questions.

    Raises:
        InputError: When the file cannot be read.
    """
    asked = _Asked(questions)
    return all(asked.by(row) is not None for row in read_queue(path))


class _Asked:
    """The questions of a batch by what a row says about them."""

    def __init__(self, questions: Sequence[Question]) -> None:
        self._questions = questions
        self._by_mask = {(question.query.image_id, question.query.mask_id): question for question in questions}
        self._images = Names(image_id for image_id, _ in self._by_mask)

    def by(self, row: QueueRow) -> Question | None:
        """The question of a row: that of its key, if image and mask are not those of another; else that of its mask."""
        image_id = self._images.find(row.image_id) or row.image_id
        if row.number is None:
            return self._by_mask.get((image_id, row.mask_id))
        if row.number > len(self._questions):
            return None
        question = self._questions[row.number - 1]
        same_image = image_id == question.query.image_id or could_change(row.image_id)  # 3-4 came back as 4 March
        return question if same_image and row.mask_id == question.query.mask_id else None
