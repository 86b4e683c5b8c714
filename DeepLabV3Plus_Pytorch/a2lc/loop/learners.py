"""The learners of the house, by name; cheap to import: a learner is loaded when one of its kind is made."""

from __future__ import annotations

from collections.abc import Callable

from a2lc.foundation.registry import Needs
from a2lc.propagation.registry import LEARNERS, Learner, LearnerEntry, Situation

__all__ = ["LEARNERS"]


def _posterior() -> Callable[[Situation], Learner]:
    from a2lc.loop.posterior import PosteriorLearner

    return PosteriorLearner


LEARNERS.register("posterior", LearnerEntry(Needs(whole_masks=True), _posterior, orders=True))
