"""A learner as another package would add one: every mask becomes what the newest answer said, small masks first."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from a2lc.foundation.registry import Needs
from a2lc.propagation.registry import LEARNERS, Answers, LearnerEntry, NewLabel, Order, Situation


class ToyLearner:
    def __init__(self, situation: Situation) -> None:
        self._situation = situation
        self._newest: int | None = None
        self._asked: frozenset[tuple[str, int]] = frozenset()

    def learn(self, answers: Answers) -> None:
        given = (*answers.earlier, *answers.now)
        self._newest = given[-1].label_after if given else None
        self._asked = frozenset(answer.key for answer in given)

    def new_labels(self, current: NDArray[np.int64]) -> Sequence[NewLabel]:
        return [
            NewLabel(key, self._newest, 0.5)
            for key, label in zip(self._situation.keys, current.tolist(), strict=True)
            if self._newest is not None and label != self._newest and key not in self._asked
        ]

    def order(self) -> Order:
        return Order(np.array([float(mask) for _, mask in self._situation.keys]), self._asked)


LEARNERS.register("toy", LearnerEntry(Needs(), lambda: ToyLearner, orders=True))
