"""Annotation by people: questions go into the inbox and the queue, settled batches come back as decisions."""

from __future__ import annotations

from collections.abc import Sequence

from a2lc.annotators.base import Query
from a2lc.annotators.context import AnnotatorContext
from a2lc.annotators.filled import read_answers
from a2lc.annotators.inbox import Answer, Inbox, Question
from a2lc.annotators.page import page_path
from a2lc.annotators.queue import write_queue
from a2lc.annotators.registry import ANNOTATORS, AnnotatorEntry
from a2lc.foundation.errors import WaitingForAnswers
from a2lc.foundation.registry import Needs
from a2lc.labels.ledger import Decision
from a2lc.labels.state import LabelState


class AnswersAnnotator:
    """Asks people: opens the batch in the inbox and writes the queue, takes the answers when all are there.

    Args:
        context: What it works with.

    Example:
        annotator = AnswersAnnotator(dataclasses.replace(context, answers=Path("answered.csv"), person="ann"))
        decisions = annotator.answer(queries, state)
    """

    def __init__(self, context: AnnotatorContext) -> None:
        self._context = context
        self._inbox = Inbox(context.inbox)

    def answer(self, queries: Sequence[Query], state: LabelState) -> list[Decision]:
        """Take the answers, or write the queue and wait for them. See `Annotator.answer`."""
        questions = self.ask(queries, state)
        self._take_queue(questions)
        waiting = self._inbox.unsettled(self._context.round_index, self._context.batch)
        if waiting:
            raise WaitingForAnswers(self._what_waits(len(waiting), len(questions)))
        standing = self._standing()
        void = self._context.classes.void
        return [
            decide(question.query, standing[question.id], question.query.label, void, "answers")
            for question in questions
        ]

    def _what_waits(self, waiting: int, asked: int) -> str:
        """How many questions wait, and what to do about them."""
        queue = self._context.queue
        taken = f"{asked - waiting} of {asked} answers are taken; " if waiting < asked else ""
        return (
            f"{taken}{waiting} questions wait in {queue}: write yes, no, void, skip or a class of "
            f"{queue.parent / 'classes.txt'} into the column 'answer' and save it as CSV, or answer in "
            f"{page_path(queue)} and put the file that it downloads in its place; then run the same command again"
        )

    def ask(self, queries: Sequence[Query], state: LabelState) -> list[Question]:
        """Open the batch in the inbox, and write the queue unless it is there: one that is there may hold answers."""
        context = self._context
        questions = self._inbox.open_batch(context.round_index, context.batch, queries)
        if not context.queue.exists():
            write_queue(context.queue, queries, state, context.image, context.classes, context.answered())
        return questions

    def so_far(self) -> list[Decision]:
        """What the answers that are there come to, in the order of their questions; the others are left out."""
        questions = self._inbox.questions(self._context.round_index, self._context.batch)
        standing = self._standing()
        void = self._context.classes.void
        return [
            decide(question.query, standing[question.id], question.query.label, void, "answers")
            for question in questions
            if question.id in standing
        ]

    def gave(self, decisions: Sequence[Decision]) -> bool:
        """Whether decisions about this batch are what the file of answers comes to, so that it was taken already.

        Raises:
            InputError: When the file is no filled queue of the batch.
        """
        context = self._context
        questions = self._inbox.questions(context.round_index, context.batch)
        queries = {question.id: question.query for question in questions}
        given = read_answers(context.answers or context.queue, questions, context.classes, context.person)
        recorded = {decision.key: (decision.label_after, decision.annotator) for decision in decisions}
        for answer in given:
            query = queries[answer.question]
            meant = answer.decided(query.label, context.classes.void), answer.annotator
            if recorded.get((query.image_id, query.mask_id)) != meant:
                return False
        return bool(given)

    def _take_queue(self, questions: Sequence[Question]) -> None:
        """Put the answers of the queue file into the inbox, but for those that stand there as they are."""
        context = self._context
        answers = read_answers(context.answers or context.queue, questions, context.classes, context.person)
        standing = self._standing()
        new = [answer for answer in answers if standing.get(answer.question) != answer]
        if new:
            self._inbox.put_all(new)

    def _standing(self) -> dict[int, Answer]:
        """The newest answer to each question that has one, whoever gave it."""
        standing = self._inbox.standing(self._context.round_index, self._context.batch)
        return {question: answers[-1] for question, answers in standing.items()}


def decide(query: Query, answer: Answer, now: int, void: int, source: str) -> Decision:
    """What an answer means for the labels.

    Args:
        query: What was asked.
        answer: What was answered.
        now: The label of the mask before the decision.
        void: Index of void.
        source: For the ledger.
    """
    label = answer.decided(query.label, void)
    return Decision(
        image_id=query.image_id,
        mask_id=query.mask_id,
        label_before=now,
        label_after=label,
        relabelled=label is not None and label != now,
        queried=True,
        source=source,
        annotator=answer.annotator,
        seconds=answer.seconds,
        pixels=query.pixels,
    )


ANNOTATORS.register("answers", AnnotatorEntry(AnswersAnnotator, Needs(whole_masks=True)))
