"""One propagation: learn from the answers of the round, predict all masks, keep the trusted predictions."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from a2lc.foundation.parallel import check_parallel
from a2lc.foundation.seeding import seed_of
from a2lc.propagation.criteria import selection_criteria
from a2lc.propagation.lcm import LabelCorrectionModule
from a2lc.propagation.settings import PropagationSettings
from a2lc.propagation.threshold import choose_threshold, held_out_predictions

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Propagation:
    """What is to be changed without asking.

    Attributes:
        change: (M,) bool, True where the label becomes `predicted`.
        predicted: (M,) int64 predicted class; the current label where nothing was learned.
        confidence: (M,) float32 in [0, 1], probability of the predicted class; 0 where nothing was learned.
        threshold: Lowest confidence that was trusted; inf when nothing may be changed.
    """

    change: NDArray[np.bool_]
    predicted: NDArray[np.int64]
    confidence: NDArray[np.float32]
    threshold: float

    def __post_init__(self) -> None:
        check_parallel(self, "change", "predicted", "confidence")


@dataclass(frozen=True)
class AnsweredMasks:
    """M masks and what was answered about some of them.

    Attributes:
        features: (M, C) float32, mean class probabilities of each mask.
        queried_now: (M,) bool, asked about in this round.
        answered: (M,) label after the answer, read only where `queried_now`.
        shown: (M,) label before the answer, read only where `queried_now`.
        queried_before: (M,) bool, asked about in an earlier round.
    """

    features: NDArray[np.float32]
    queried_now: NDArray[np.bool_]
    answered: NDArray[np.integer]
    shown: NDArray[np.integer]
    queried_before: NDArray[np.bool_]

    def __post_init__(self) -> None:
        check_parallel(self, "features", "queried_now", "answered", "shown", "queried_before")

    def taught(self, num_classes: int) -> NDArray[np.bool_]:
        """(M,) bool, answered with a class in this round; an answer of void teaches nothing."""
        return self.queried_now & (self.answered >= 0) & (self.answered < num_classes)


@dataclass(frozen=True)
class Learned:
    """What the module makes of the masks, before it is held against their current labels.

    Attributes:
        predicted: (M,) int64 predicted class.
        confidence: (M,) float32 in [0, 1], its probability.
        queried_per_class: (C,) int64, answers of this round by class.
        threshold: Lowest confidence that is trusted; inf trusts nothing.
    """

    predicted: NDArray[np.int64]
    confidence: NDArray[np.float32]
    queried_per_class: NDArray[np.int64]
    threshold: float

    def __post_init__(self) -> None:
        check_parallel(self, "predicted", "confidence")


def propagate(
    masks: AnsweredMasks, current: NDArray[np.integer], settings: PropagationSettings, round_index: int, seed: int
) -> Propagation:
    """Learn from the masks asked about in this round and correct those never asked about.

    Masks answered with void teach nothing. Without anything to learn from nothing is changed.

    Source: A²LC, Algorithm 2; the threshold chosen from held-out answers is ours.

    Args:
        masks: The masks and the answers.
        current: (M,) majority label of each mask now, with the answers of this round applied; 255 = void.
        settings: How to propagate.
        round_index: The round, counted from 1.
        seed: Seed of the experiment.

    Returns:
        The changes. A mask that was ever asked about is never among them.

    Raises:
        InputError: When the settings have no threshold for this round.
    """
    learned = None if settings.name == "none" else learn(masks, settings, round_index, seed)
    return changes(masks, current, learned, settings)


def learn(masks: AnsweredMasks, settings: PropagationSettings, round_index: int, seed: int) -> Learned | None:
    """Train the module on the answers of this round and predict every mask; None where there is nothing to learn from.

    Args and errors as `propagate`.
    """
    num_classes = masks.features.shape[1]
    taught = masks.taught(num_classes)
    if not taught.any():
        return None
    features = masks.features[taught]  # (Q, C)
    answers = masks.answered[taught]  # (Q,) in [0, C)
    queried_per_class = np.bincount(answers.astype(np.int64), minlength=num_classes)
    make_module = partial(_module, num_classes, settings, seed_of(seed, round_index, "propagation"))
    threshold = settings.threshold_of(round_index)
    if threshold is None:
        held_out = HeldOut(features, answers, masks.shown[taught], queried_per_class)
        threshold = held_out.threshold(make_module, settings, seed_of(seed, round_index, "propagation folds"))
    predicted, confidence = make_module().fit(features, answers).predict(masks.features)
    return Learned(predicted, confidence, queried_per_class, threshold)


def changes(
    masks: AnsweredMasks, current: NDArray[np.integer], learned: Learned | None, settings: PropagationSettings
) -> Propagation:
    """The predictions to trust, of the masks never asked about; none without anything learned."""
    if learned is None:
        untouched = np.zeros(len(current), dtype=bool)
        return Propagation(untouched, current.astype(np.int64), untouched.astype(np.float32), math.inf)
    predicted = learned.predicted
    confidence = learned.confidence
    threshold = learned.threshold
    trusted = selection_criteria(
        current, predicted, confidence, learned.queried_per_class, threshold, settings.tail_fraction
    )
    labelled = (current >= 0) & (current < len(learned.queried_per_class))
    change = trusted & ~masks.queried_now & ~masks.queried_before & (labelled | settings.fill_void)
    _log.info("changed %d masks at confidence >= %g", change.sum(), threshold)
    return Propagation(change, predicted, confidence, threshold)


def _module(num_classes: int, settings: PropagationSettings, seed: int) -> LabelCorrectionModule:
    """An untrained module as the settings want it."""
    return LabelCorrectionModule(
        num_classes,
        mode=settings.mode,
        seed=seed,
        epochs=settings.epochs,
        batch_size=settings.batch_size,
        learning_rate=settings.learning_rate,
    )


@dataclass(frozen=True)
class HeldOut:
    """Q masks answered with a class, of which a module may not see some.

    Attributes:
        features: (Q, C) float32, mean class probabilities.
        answers: (Q,) answered class.
        shown: (Q,) label before the answer.
        queried_per_class: (C,) answers by class.
    """

    features: NDArray[np.float32]
    answers: NDArray[np.integer]
    shown: NDArray[np.integer]
    queried_per_class: NDArray[np.int64]

    def __post_init__(self) -> None:
        check_parallel(self, "features", "answers", "shown")

    def threshold(
        self, make_module: Callable[[], LabelCorrectionModule], settings: PropagationSettings, seed: int
    ) -> float:
        """The threshold that corrections of the held-out masks call for; inf where they are too few to tell."""
        if len(self.answers) < max(2, settings.minimum_support):
            return math.inf
        predicted, confidence = held_out_predictions(self.features, self.answers, make_module, settings.folds, seed)
        eligible = selection_criteria(
            self.shown, predicted, confidence, self.queried_per_class, 0.0, settings.tail_fraction
        )
        return choose_threshold(
            self.shown, self.answers, predicted, confidence, eligible, settings.target_precision,
            settings.minimum_support,
        )  # fmt: skip
