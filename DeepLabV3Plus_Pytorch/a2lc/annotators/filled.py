"""The queue file as a door to the inbox: the rows of a filled queue, checked all together, as single answers."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path

from a2lc.annotators.inbox import Answer, Question
from a2lc.annotators.queue import SKIP, QueueRow, read_queue
from a2lc.classes import ClassSet
from a2lc.foundation.errors import refuse
from a2lc.foundation.ids import MaskKey


def read_answers(path: Path, questions: Sequence[Question], classes: ClassSet, annotator: str) -> list[Answer]:
    """The answers of a filled queue, one per question and in their order; none where no row is answered yet.

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
    for row in rows:
        key = row.image_id, row.mask_id
        if key not in asked:
            problems.append(f"line {row.line}: mask {row.mask_id} of '{row.image_id}' was not asked about")
        elif key in given:
            problems.append(f"line {row.line}: mask {row.mask_id} of '{row.image_id}' is answered twice")
        else:
            given[key] = _answer(row, asked[key].id, classes, annotator, problems)
    problems += [
        f"mask {mask} of '{image}' has no row: restore it" for image, mask in asked if (image, mask) not in given
    ]
    refuse(f"the answers in {path} cannot be taken; nothing was written", problems)
    return [answer for answer in (given[key] for key in asked) if answer is not None]


def _answer(row: QueueRow, question: int, classes: ClassSet, annotator: str, problems: list[str]) -> Answer | None:
    """The answer that a row gives; what cannot be understood is added to the problems."""
    said = row.answer.casefold()
    labels = {name.casefold(): label for label, name in enumerate(classes.names)}
    if said == SKIP:
        return Answer(question, annotator, "skip")
    if said == "yes":
        return Answer(question, annotator, "yes")
    if said == "void":
        return Answer(question, annotator, "void")
    if said in labels:
        return Answer(question, annotator, "class", labels[said])
    near = difflib.get_close_matches(said, [*labels, "void", "yes"], n=1)
    hint = f"did you mean {near[0]}?" if near else "write yes, skip, void or one of the class names"
    problem = f"the answer '{row.answer}' is no class" if said else "the answer is empty"
    problems.append(f"line {row.line}: {problem}: {hint}")
    return None
