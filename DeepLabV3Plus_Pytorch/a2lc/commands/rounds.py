"""One stage of the open round of every run: train, score, select, correct, propagate; they work on what `run` uses."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tqdm.contrib.logging import logging_redirect_tqdm

from a2lc.annotators.answers import AnswersAnnotator
from a2lc.commands.options import CorrectOptions, Options
from a2lc.commands.request import Request
from a2lc.foundation.errors import InputError
from a2lc.foundation.processes import on_main
from a2lc.foundation.terminal import show
from a2lc.loop import correction
from a2lc.loop.made_with import begin_round, in_round
from a2lc.loop.opening import claimed, open_runs
from a2lc.loop.progress import batches_per_round, need_trained, trained_rounds
from a2lc.loop.run import Run
from a2lc.loop.sense import refuse_senseless


def train(request: Request[Options]) -> None:
    """Train θ_r, where r is the first round whose labels are ready and whose network is not trained."""

    from a2lc.loop.start import start  # loads PyTorch, as training does
    from a2lc.loop.training import train_network

    def work(current: Run, round_index: int) -> None:
        _need_corrected(current, round_index)
        start(current)
        train_network(current, round_index)

    _each(request, work, computes=True)


def score(request: Request[Options]) -> None:
    """Score the masks of the open round."""

    from a2lc.loop import scoring  # loads PyTorch

    def work(current: Run, round_index: int) -> None:
        need_trained(round_index)
        scoring.score(begin_round(current, round_index), round_index)
        show(f"{current.mask_table_path(round_index)}\n")

    _each(request, work, computes=True)


def select(request: Request[Options]) -> None:
    """Write the queue of the next batch of questions."""

    def work(current: Run, round_index: int) -> None:
        need_trained(round_index)
        batch = _open_batch(current, round_index)
        context = correction.annotator_context(current, round_index, batch)
        queries = correction.select_queries(current, round_index, batch)
        AnswersAnnotator(context).ask(queries, current.state())
        show(f"{context.queue}\n")

    _each(request, work)


def correct(request: Request[CorrectOptions]) -> None:
    """Record answers: those of a filled queue, or those of the configured annotator."""

    def work(current: Run, round_index: int) -> None:
        need_trained(round_index)
        batch = _open_batch(current, round_index)
        annotator = None
        decisions = [decision for decision in current.ledger.decisions_of(round_index) if decision.queried]
        if request.options.answers:
            name = request.options.annotator_name
            revised = correction.revise(current, round_index, batch, request.options.answers, name)
            if revised:
                show(f"{revised} earlier answers replaced\n")
                return
            context = correction.annotator_context(current, round_index, batch)
            annotator = AnswersAnnotator(replace(context, answers=request.options.answers, person=name))
            if current.ledger.is_done(round_index, batch, "annotate") and not annotator.gave(decisions):
                raise InputError(
                    f"other answers of round {round_index} are recorded already: a2lc propagate or train comes next"
                )
        correction.annotate(current, round_index, batch, annotator)
        decisions = [decision for decision in current.ledger.decisions_of(round_index) if decision.queried]
        show(f"{len(decisions)} answers recorded, {sum(d.relabelled for d in decisions)} labels changed\n")

    _each(request, work)


def propagate(request: Request[Options]) -> None:
    """Learn from the answers of the open round."""

    def work(current: Run, round_index: int) -> None:
        need_trained(round_index)
        asked = current.ledger.batches(round_index, "annotate")
        if not asked:
            ledger = current.ledger.path
            raise InputError(f"{ledger} holds no answers of round {round_index}: take them first with a2lc correct")
        correction.propagate(current, round_index, asked - 1)
        changed = sum(not decision.queried for decision in current.ledger.decisions_of(round_index))
        show(f"{changed} labels changed by propagation\n")

    _each(request, work)


def _each(request: Request[Any], work: Callable[[Run, int], None], *, computes: bool = False) -> None:
    """Do one stage of the open round of every run; the open round follows the newest trained network."""
    for current in open_runs(request.configs(), request.processes, computes=computes):
        refuse_senseless(current)
        with claimed(current), logging_redirect_tqdm([logging.getLogger()]):
            round_index = _open_round(current)
            work(in_round(current, round_index) if round_index else current, round_index)


@on_main
def _open_round(current: Run) -> int:
    """The round after the newest trained network, 0 before the first training."""
    round_index = trained_rounds(current)
    if round_index > current.config.rounds:
        raise InputError(f"all {current.config.rounds} rounds of {current.name} are done: set rounds higher to go on")
    return round_index


def _open_batch(current: Run, round_index: int) -> int:
    return min(current.ledger.batches(round_index, "propagate"), batches_per_round(current) - 1)


@on_main
def _need_corrected(current: Run, round_index: int) -> None:
    """Refuse to train on the labels of a round whose masks are not corrected yet."""
    if round_index and current.ledger.batches(round_index, "propagate") < batches_per_round(current):
        raise InputError(
            f"round {round_index} is not corrected yet: a2lc score, select, correct and propagate come first"
        )
