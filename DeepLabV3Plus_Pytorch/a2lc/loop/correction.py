"""The stages that correct labels: choose the masks to ask about, take the answers, learn from them for the others."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

from a2lc.annotators import ANNOTATORS, Annotator, AnnotatorContext, Inbox, Query, revisions
from a2lc.foundation.processes import on_main
from a2lc.labels.ledger import Decision
from a2lc.loop.round_learner import RoundLearner, current_labels
from a2lc.loop.run import Run

_log = logging.getLogger(__name__)


def select_queries(run: Run, round_index: int, batch: int, learner: RoundLearner | None = None) -> list[Query]:
    """The next questions of a round: the best masks never asked about, shown with their current label.

    Args:
        run: The run.
        round_index: A scored round.
        batch: Batch of questions within the round, from 0.
        learner: That of the round, where there is one already.
    """
    asked_now = asked_in(run, round_index)
    left = run.config.budget - asked_now
    wanted = min(run.config.inner_batch or left, left)
    table, excluded = (learner or RoundLearner(run, round_index)).ordered()
    # rows that are pixels hold nothing that earlier rounds asked
    rows = table.select(wanted, excluded) if table.of_masks else table.select(asked_now + wanted, ())[asked_now:]
    first_short = len(rows) < wanted and asked_now == batch * (run.config.inner_batch or run.config.budget)
    if first_short and (asked_now or rows):  # a round that has nothing to ask at all is the end of the loop
        total = asked_now + len(rows)
        _log.warning("%s: only %d masks are left, fewer than the budget of %d", run.name, total, run.config.budget)
    current = current_labels(run, table)
    return [
        Query(
            image_id=table.image_id[row],
            mask_id=int(table.scores.mask_id[row]),
            label=int(current[row]),
            score=float(table.scores.score[row]),
            representative=(int(table.scores.representative[row, 0]), int(table.scores.representative[row, 1])),
            pixels=table.expansion[row],
        )
        for row in rows
    ]


def asked_in(run: Run, round_index: int) -> int:
    """Questions asked so far in a round, without answers that were given anew."""
    decisions = run.ledger.decisions_of(round_index)
    return sum(decision.queried and decision.source != revisions.SOURCE for decision in decisions)


@on_main
def has_questions(run: Run, round_index: int) -> bool:
    """Whether a mask was asked about in a round; told to all processes."""
    return asked_in(run, round_index) > 0


def annotator_context(run: Run, round_index: int, batch: int) -> AnnotatorContext:
    """What an annotator of the run works with while it answers a batch of questions."""
    return AnnotatorContext(
        settings=run.config.annotator,
        classes=run.dataset.classes,
        image=run.dataset.image,
        ground_truth=run.dataset.ground_truth,
        inbox=run.folder / "inbox.sqlite",
        round_index=round_index,
        batch=batch,
        queue=run.queue_path(round_index, batch),
        answered=run.ledger.answers,
    )


def make_annotator(context: AnnotatorContext) -> Annotator:
    """The annotator of the configuration. Raises InputError when what it needs is not there."""
    return ANNOTATORS[context.settings.name].make(context)


@on_main
def annotate(
    run: Run,
    round_index: int,
    batch: int,
    annotator: Annotator | None = None,
    learner: RoundLearner | None = None,
) -> None:
    """Ask an annotator (None: the configured one) about the next masks and record all answers in one transaction.

    The main process asks, the others wait.

    Raises:
        WaitingForAnswers: When people have to answer first.
    """
    if run.ledger.is_done(round_index, batch, "annotate"):
        return
    _log.info("%s: asking about masks of round %d", run.name, round_index)
    with run.timed(round_index, "annotate"):
        queries = select_queries(run, round_index, batch, learner)
        annotator = annotator or make_annotator(annotator_context(run, round_index, batch))
        answered = annotator.answer(queries, run.state()) if queries else []
        decisions = [*answered, *_pending_revisions(run, round_index)]
    run.ledger.record(round_index, batch, "annotate", decisions)


@on_main
def revise(run: Run, round_index: int, batch: int, answers: Path, person: str) -> int:
    """Take answers that replace earlier ones; those stay on record.

    They become new rows of the ledger: at once, or, where questions wait, together with the answers to these, for they
    may be about what would be asked next.

    Args:
        run: The run.
        round_index: The open round.
        batch: Its open batch.
        answers: A filled queue of any batch that is recorded; with that of another, nothing is done.
        person: Who answered.

    Returns:
        How many answers were replaced.

    Raises:
        InputError: When an answer is not valid (all are listed and none is taken), or the ledger cannot be written.
    """
    ledger = run.ledger
    asked = ledger.queried()
    for place in _recorded(run, round_index):
        context = replace(annotator_context(run, *place), answers=answers, person=person)
        taken = revisions.take_revisions(context, asked)
        if taken is not None:
            waiting = Inbox(context.inbox).unsettled(round_index, batch)
            if taken and (ledger.is_done(round_index, batch, "annotate") or not waiting):
                number = ledger.batches(round_index, revisions.SOURCE)
                ledger.record(round_index, number, revisions.SOURCE, _pending_revisions(run, round_index))
            return taken
    return 0


def _recorded(run: Run, round_index: int) -> list[tuple[int, int]]:
    """The batches whose answers are recorded, as (round, batch), newest round first; without those of the start."""
    rounds = range(round_index, 0, -1)
    return [(index, batch) for index in rounds for batch in range(run.ledger.batches(index, "annotate"))]


def _pending_revisions(run: Run, round_index: int) -> list[Decision]:
    """Replaced answers that the ledger does not have yet."""
    context = annotator_context(run, round_index, 0)
    if not context.inbox.exists():
        return []
    ledger = run.ledger
    recorded = _recorded(run, round_index)
    return revisions.pending_revisions(
        Inbox(context.inbox), recorded, ledger.queried(), ledger.corrections(), run.dataset.classes.void
    )


@on_main
def propagate(run: Run, round_index: int, batch: int, learner: RoundLearner | None = None) -> None:
    """Learn from the answers so far and correct masks that nobody was asked about; the other processes wait."""
    if run.ledger.is_done(round_index, batch, "propagate"):
        return
    _log.info("%s: propagating the answers of round %d", run.name, round_index)
    with run.timed(round_index, "propagate"):
        decisions = (learner or RoundLearner(run, round_index)).relabelled()
    run.ledger.record(round_index, batch, "propagate", decisions)
