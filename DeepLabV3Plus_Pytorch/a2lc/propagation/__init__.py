"""Propagation: a small network learns from the answers of a round and corrects masks that nobody was asked about."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from a2lc.foundation.lazy import lazily
from a2lc.foundation.registry import Needs
from a2lc.propagation.registry import LEARNERS, LearnerEntry, NoLearner, Situation

if TYPE_CHECKING:
    from a2lc.propagation.algorithm import AnsweredMasks, Propagation, propagate
    from a2lc.propagation.criteria import selection_criteria
    from a2lc.propagation.lcm import LabelCorrectionModule, class_weights
    from a2lc.propagation.registry import Learner
    from a2lc.propagation.settings import PropagationSettings
    from a2lc.propagation.threshold import choose_threshold, held_out_predictions
else:
    __getattr__, __dir__ = lazily(__name__)

__all__ = [
    "LEARNERS",
    "AnsweredMasks",
    "LabelCorrectionModule",
    "Learner",
    "Propagation",
    "PropagationSettings",
    "choose_threshold",
    "class_weights",
    "held_out_predictions",
    "propagate",
    "selection_criteria",
]


def _lcm() -> "Callable[[Situation], Learner]":
    from a2lc.propagation.learner import LcmLearner

    return LcmLearner


LEARNERS.register("none", LearnerEntry(Needs(), lambda: NoLearner, features=False))
LEARNERS.register("lcm", LearnerEntry(Needs(network=True, whole_masks=True), _lcm))
