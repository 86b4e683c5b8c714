"""The queue file as a door to the inbox: the rows of a filled queue, checked all together, as single answers."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path

from a2lc.annotators.inbox import Answer, Kind, Question
from a2lc.annotators.queue import SKIP, QueueRow, read_queue
from a2lc.classes import RESERVED, ClassSet
from a2lc.foundation.errors import refuse
from a2lc.foundation.ids import MaskKey, Names

_WORDS: dict[str, Kind] = {SKIP: "skip", "yes": "yes", "void": "void"}
_LONGEST_HINT = 80  # characters of an answer that are looked at and shown where it is no class


def read_answers(path: Path, questions: Sequence[Question], classes: ClassSet, annotator: str) -> list[Answer]:
    """The answers of a filled queue, in the order of the questions; rows that are empty give none.

    Args:
        path: The filled queue.
        questions: What was asked.
        classes: The classes that an answer may name.
        annotator: Who answered.

    Raises:
        InputError: When a row is not valid, answered twice, missing or was never asked; all problems are listed.
    """
    rows = read_queue(path)
    if not any(row.answer for row in rows):
        return []
    asked = {(question.query.image_id, question.query.mask_id): question for question in questions}
    given: dict[MaskKey, Answer | None] = {}
    problems: list[str] = []
    names = Names(image_id for image_id, _ in asked)
    answers = Names([*classes.names, *RESERVED])
    for row in rows:
        key = names.find(row.image_id) or row.image_id, row.mask_id
        if key not in asked:
            problems.append(f"line {row.line}: mask {row.mask_id} of '{row.image_id}' was not asked about")
        elif key in given:
            problems.append(f"line {row.line}: mask {row.mask_id} of '{row.image_id}' is answered twice")
        elif not row.answer:
            given[key] = None  # it waits
        else:
            given[key] = _answer(row, asked[key].id, classes, answers.find(row.answer), annotator, problems)
    problems += [
        f"mask {mask} of '{image}' has no row: restore it" for image, mask in asked if (image, mask) not in given
    ]
    refuse(f"the answers in {path} cannot be taken; nothing was written", problems)
    return [answer for answer in (given[key] for key in asked) if answer is not None]


def _answer(
    row: QueueRow, question: int, classes: ClassSet, meant: str | None, annotator: str, problems: list[str]
) -> Answer | None:
    """The answer that a row gives; what cannot be understood is added to the problems.

    Args:
        row: The row.
        question: Number of the question.
        classes: The classes.
        meant: The class name or word that the answer was found to be; None = none of them.
        annotator: Who answered.
        problems: Sentences about other rows.
    """
    if meant in _WORDS:
        return Answer(question, annotator, _WORDS[meant])
    if meant is not None:
        return Answer(question, annotator, "class", classes.names.index(meant))
    labels = {name.casefold(): name for name in (*classes.names, "void", "yes")}
    near = difflib.get_close_matches(row.answer.casefold()[:_LONGEST_HINT], labels, n=1)
    hint = f"did you mean {near[0]}?" if near else "write yes, skip, void or one of the class names"
    problems.append(f"line {row.line}: the answer '{row.answer[:_LONGEST_HINT]}' is no class: {hint}")
    return None
