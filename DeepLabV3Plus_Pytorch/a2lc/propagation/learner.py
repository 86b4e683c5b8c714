"""The label correction module as a learner: it learns from the answers of the round and leaves the order alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from a2lc.foundation.seeding import seed_of
from a2lc.propagation.algorithm import AnsweredMasks, Learned, changes, learn
from a2lc.propagation.registry import Answers, NewLabel, Order, Situation
from a2lc.propagation.settings import PropagationSettings


class LcmLearner:
    """A²LC's label correction module over the masks of a round."""

    def __init__(self, situation: Situation) -> None:
        settings = situation.sections["propagation"]
        assert isinstance(settings, PropagationSettings)
        self._situation = situation
        self._settings = settings
        self._masks = _answered(situation, Answers((), (), 0))
        self._learned: Learned | None = None

    def learn(self, answers: Answers) -> None:
        """Train the module anew on the answers of this round."""
        round_index = self._situation.round_index
        seed = seed_of(self._situation.seed, round_index, "propagation", answers.batches - 1)
        self._masks = _answered(self._situation, answers)
        self._learned = learn(self._masks, self._settings, round_index, seed)

    def new_labels(self, current: NDArray[np.int64]) -> Sequence[NewLabel]:
        """The predictions that the criteria trust."""
        found = changes(self._masks, current, self._learned, self._settings)
        return [
            NewLabel(self._situation.keys[row], int(found.predicted[row]), float(found.confidence[row]))
            for row in np.flatnonzero(found.change).tolist()
        ]

    def order(self) -> Order | None:
        """The acquisition's."""
        return None


def _answered(situation: Situation, answers: Answers) -> AnsweredMasks:
    """The masks of the round with the newest answer about each; a skipped question counts as void."""
    void = situation.classes.void
    keys = situation.keys
    now = {answer.key: answer for answer in answers.now}
    before = {answer.key for answer in answers.earlier}
    given = [now[key].label_after if key in now else None for key in keys]
    return AnsweredMasks(
        features=situation.features,
        queried_now=np.array([key in now for key in keys], dtype=bool),
        answered=np.array([void if label is None else label for label in given], dtype=np.int64),
        shown=np.array([now[key].label_before if key in now else void for key in keys], dtype=np.int64),
        queried_before=np.array([key in before for key in keys], dtype=bool),
    )
