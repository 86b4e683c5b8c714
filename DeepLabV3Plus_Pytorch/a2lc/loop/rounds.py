"""The correction loop: A²LC's Algorithm 1, and ALC's and the random baseline's by their settings."""

from __future__ import annotations

import logging

from a2lc.loop.correction import annotate, has_questions, propagate
from a2lc.loop.evaluation import evaluate
from a2lc.loop.made_with import begin_round
from a2lc.loop.progress import batches_per_round
from a2lc.loop.round_learner import RoundLearner
from a2lc.loop.run import Run
from a2lc.loop.scoring import score
from a2lc.loop.start import start
from a2lc.loop.training import train_network

_log = logging.getLogger(__name__)


def run_rounds(run: Run) -> None:
    """Run all rounds of one method and seed; what is done already is skipped.

    A round that finds no mask to ask about is the end: nothing would be learned in it or after it.

    Source: A²LC, Algorithm 1.

    Raises:
        WaitingForAnswers: When people have to answer a queue first.
    """
    start(run)
    train_network(run, 0)
    evaluate(run, 0)
    for round_index in range(1, run.config.rounds + 1):
        current = begin_round(run, round_index)
        score(current, round_index)
        if not correct_labels(current, round_index):
            _log.warning(
                "%s: no mask is left to ask about, so the run ends before round %d of %d: its results are complete",
                run.name,
                round_index,
                run.config.rounds,
            )
            return
        train_network(current, round_index)
        evaluate(current, round_index)


def correct_labels(run: Run, round_index: int) -> bool:
    """Spend the round's budget in batches: ask, then learn from the answers. The papers ask once per round.

    Returns:
        Whether there was a mask to ask about; where there was none, nothing is learned either.
    """
    learner = RoundLearner(run, round_index)
    for batch in range(batches_per_round(run)):
        annotate(run, round_index, batch, learner=learner)
        if not batch and not has_questions(run, round_index):
            return False
        propagate(run, round_index, batch, learner)
    return True
