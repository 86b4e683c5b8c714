"""The learner of a round: made once, fitted again only when answers arrived, asked for labels and for the order."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from a2lc.acquisition.table import MaskTable, read_mask_table
from a2lc.foundation.ids import MaskKey
from a2lc.labels.ledger import Decision
from a2lc.loop.learners import LEARNERS
from a2lc.loop.run import Run
from a2lc.propagation.registry import Answers, Learner, Situation


class RoundLearner:
    """What the loop asks the configured learner in a round.

    Nothing is read or fitted before it is asked for; what a killed run had learned is learned again from the ledger.
    """

    def __init__(self, run: Run, round_index: int) -> None:
        self._run = run
        self._round_index = round_index
        self._entry = LEARNERS[run.config.propagation.name]
        self._learned: Answers | None = None

    @cached_property
    def table(self) -> MaskTable:
        """The mask table of the round, as it was scored."""
        return read_mask_table(self._run.mask_table_path(self._round_index))

    def ordered(self) -> tuple[MaskTable, Collection[MaskKey]]:
        """The mask table with the scores that order the next questions, and the masks that are not among them."""
        order = self._taught().order() if self._entry.orders else None
        if order is None:
            return self.table, self._run.ledger.queried()
        scores = dataclasses.replace(self.table.scores, score=order.score)
        return dataclasses.replace(self.table, scores=scores), order.closed

    def relabelled(self) -> list[Decision]:
        """The learner's corrections of masks that nobody was asked about, as decisions for the ledger."""
        current = current_labels(self._run, self.table)
        before = dict(zip(self.table.keys(), current.tolist(), strict=True))
        return [
            Decision(
                image_id=new.key[0],
                mask_id=new.key[1],
                label_before=before[new.key],
                label_after=new.label,
                relabelled=True,
                queried=False,
                source=self._run.config.propagation.name,
                confidence=new.confidence,
            )
            for new in self._taught().new_labels(current)
        ]

    def _taught(self) -> Learner:
        """The learner, having learned from all answers in the ledger."""
        ledger = self._run.ledger
        round_index = self._round_index
        now = [decision for decision in ledger.decisions_of(round_index) if decision.queried]
        earlier = ledger.answers(up_to_round=round_index - 1)
        newest = {id(decision) for decision in newest_answers([*earlier, *now])}
        answers = Answers(
            earlier=tuple(decision for decision in earlier if id(decision) in newest),
            now=tuple(decision for decision in now if id(decision) in newest),
            batches=ledger.batches(round_index, "annotate"),
        )
        if answers != self._learned:
            self._learner.learn(answers)
            self._learned = answers
        return self._learner

    @cached_property
    def _learner(self) -> Learner:
        run = self._run
        table = self.table
        situation = Situation(
            name=run.name,
            round_index=self._round_index,
            seed=run.seed,
            classes=run.dataset.classes,
            keys=table.keys(),
            features=table.scores.mean_probability,
            trained=run.config.training.iterations > 0,
            sections={"propagation": run.config.propagation, "posterior": run.config.posterior},
            image_ids=run.dataset.ids("train"),
            first_maps=lambda image_id: (run.first_labels.labels(image_id), run.first_labels.masks(image_id)),
            folder=run.seed_folder / "round_0",
        )
        return self._entry.load()(situation)


def newest_answers(answers: Sequence[Decision]) -> list[Decision]:
    """The answers, oldest first, without those that a later one about the same pixels replaced."""
    newest = {(*answer.key, answer.pixels): index for index, answer in enumerate(answers)}
    return [answers[index] for index in sorted(newest.values())]


def current_labels(run: Run, table: MaskTable) -> NDArray[np.int64]:
    """(M,) majority label of every mask after all decisions made so far."""
    corrections = run.ledger.corrections()
    pairs = zip(table.keys(), table.scores.label.tolist(), strict=True)
    return np.array([corrections.get(image, {}).get(mask, label) for (image, mask), label in pairs], dtype=np.int64)
