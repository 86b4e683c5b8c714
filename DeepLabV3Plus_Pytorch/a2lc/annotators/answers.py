"""Annotation by people through a file: a queue goes out, a filled copy comes back."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from a2lc.annotators.base import Query
from a2lc.annotators.queue import SKIP, QueueRow, read_queue, write_queue
from a2lc.classes import ClassSet
from a2lc.foundation.errors import WaitingForAnswers, refuse
from a2lc.labels.ledger import Decision
from a2lc.labels.state import LabelState


class AnswersAnnotator:
    """Asks people: writes the queue when there is none, takes the answers when they are filled in.

    Args:
        queue: Where the queue is written.
        answers: The filled copy; the queue itself may be filled in place.
        image: Gives the RGB image (H, W, 3) uint8 of an id, for the crops.
        classes: Class names that an answer may give.
        annotator: Name recorded in the ledger.
    """

    def __init__(
        self,
        queue: Path,
        answers: Path,
        image: Callable[[str], NDArray[np.uint8]],
        classes: ClassSet,
        annotator: str = "answers",
    ) -> None:
        self._queue = queue
        self._answers = answers
        self._image = image
        self._classes = classes
        self._annotator = annotator

    def answer(self, queries: Sequence[Query], state: LabelState) -> list[Decision]:
        """Take the answers, or write the queue and wait for them. See `Annotator.answer`."""
        self.ask(queries, state)
        rows = read_queue(self._answers)
        if not any(row.answer for row in rows):
            raise WaitingForAnswers(
                f"{len(queries)} questions wait in {self._queue}: write a class name, yes or skip into the column "
                f"'answer' of every row, save it as CSV, and run the same command again"
            )
        return self._decisions(queries, rows)

    def ask(self, queries: Sequence[Query], state: LabelState) -> None:
        """Write the queue unless it is there; a queue is never overwritten, it may hold answers."""
        if not self._queue.exists():
            write_queue(self._queue, queries, state, self._image, self._classes)

    def _decisions(self, queries: Sequence[Query], rows: Sequence[QueueRow]) -> list[Decision]:
        asked = {(query.image_id, query.mask_id): query for query in queries}
        given: dict[tuple[str, int], int | None] = {}
        problems = []
        for row in rows:
            key = row.image_id, row.mask_id
            if key not in asked:
                problems.append(f"line {row.line}: mask {row.mask_id} of '{row.image_id}' was not asked about")
            elif key in given:
                problems.append(f"line {row.line}: mask {row.mask_id} of '{row.image_id}' is answered twice")
            else:
                given[key] = self._parse(row, asked[key], problems)
        problems += [
            f"mask {mask} of '{image}' has no row: restore it" for image, mask in asked if (image, mask) not in given
        ]
        refuse(f"the answers in {self._answers} cannot be taken; nothing was written", problems)
        return [self._decision(query, given[query.image_id, query.mask_id]) for query in queries]

    def _parse(self, row: QueueRow, query: Query, problems: list[str]) -> int | None:
        """The label that a row gives, None for a skipped one; what cannot be understood is added to the problems."""
        answer = row.answer.casefold()
        labels = {name.casefold(): label for label, name in enumerate(self._classes.names)}
        labels |= {"void": self._classes.void, "yes": query.label}
        if answer == SKIP:
            return None
        if answer not in labels:
            near = difflib.get_close_matches(answer, labels, n=1)
            hint = f"did you mean {near[0]}?" if near else "write yes, skip, void or one of the class names"
            said = f"the answer '{row.answer}' is no class" if answer else "the answer is empty"
            problems.append(f"line {row.line}: {said}: {hint}")
            return None
        return labels[answer]

    def _decision(self, query: Query, label: int | None) -> Decision:
        return Decision(
            image_id=query.image_id,
            mask_id=query.mask_id,
            label_before=query.label,
            label_after=label,
            relabelled=label is not None and label != query.label,
            queried=True,
            source="answers",
            annotator=self._annotator,
            pixels=query.pixels,
        )
