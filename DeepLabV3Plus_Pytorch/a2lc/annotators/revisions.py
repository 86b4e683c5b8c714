"""Answers that replace earlier ones: into the inbox when they come, into the ledger as new rows when that is due."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from a2lc.annotators.answers import decide
from a2lc.annotators.context import AnnotatorContext
from a2lc.annotators.filled import is_about, read_answers
from a2lc.annotators.inbox import Inbox
from a2lc.foundation.errors import refuse
from a2lc.foundation.ids import MaskKey
from a2lc.labels.ledger import Decision

SOURCE = "revision"


def take_revisions(context: AnnotatorContext, asked: Mapping[MaskKey, Decision]) -> int | None:
    """Put those answers of a filled queue into the inbox that are not what the ledger has.

    Args:
        context: A batch that is recorded, and the file of answers.
        asked: The newest answer about each mask, as recorded.

    Returns:
        How many there were; None where the file is not about the questions of the batch.

    Raises:
        InputError: When an answer is not valid, or takes a class back without naming another; none is taken.
    """
    inbox = Inbox(context.inbox)
    questions = inbox.questions(context.round_index, context.batch)
    path = context.answers or context.queue
    if not questions or not is_about(path, questions):
        return None
    queries = {question.id: question.query for question in questions}
    changed, problems = [], []
    for answer in read_answers(path, questions, context.classes, context.person):
        query = queries[answer.question]
        recorded = asked.get((query.image_id, query.mask_id))
        label = answer.decided(query.label, context.classes.void)
        if recorded is None or label == recorded.label_after:
            continue
        if label is None:
            problems.append(f"mask {query.mask_id} of '{query.image_id}': write a class, yes or void instead")
        changed.append(answer)
    refuse(f"{path} takes answers back that gave a label; nothing was written", problems)
    inbox.put_all(changed)
    return len(changed)


def pending_revisions(
    inbox: Inbox,
    batches: Iterable[tuple[int, int]],
    asked: Mapping[MaskKey, Decision],
    labels: Mapping[str, Mapping[int, int]],
    void: int,
) -> list[Decision]:
    """The decisions that recorded batches come to by now, where they are not those that were recorded.

    Args:
        inbox: The inbox.
        batches: The recorded batches, as (round, batch).
        asked: The newest answer about each mask, as recorded.
        labels: The labels of relabelled masks, {image id: {mask id: label}}.
        void: Index of void.
    """
    decisions = []
    for round_index, batch in batches:
        standing = inbox.standing(round_index, batch)
        for question in inbox.questions(round_index, batch):
            query = question.query
            recorded = asked.get((query.image_id, query.mask_id))
            if recorded is None or question.id not in standing:
                continue
            now = labels.get(query.image_id, {}).get(query.mask_id, query.label)
            decision = decide(query, standing[question.id][-1], now, void, SOURCE)
            if decision.label_after not in (None, recorded.label_after):
                decisions.append(decision)
    return decisions
