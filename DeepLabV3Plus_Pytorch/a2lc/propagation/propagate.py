"""One propagation: learn from the answers of the round, predict all masks, keep the trusted predictions."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

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


def propagate(
    features: NDArray[np.float32],
    current: NDArray[np.integer],
    queried_now: NDArray[np.bool_],
    answered: NDArray[np.integer],
    shown: NDArray[np.integer],
    queried_before: NDArray[np.bool_],
    num_classes: int,
    settings: PropagationSettings,
    round_index: int,
    seed: int,
) -> Propagation:
    """Learn from the masks asked about in this round and correct those never asked about.

    Masks answered with void teach nothing. Without anything to learn from nothing is changed.

    Source: A²LC, Algorithm 2; the threshold chosen from held-out answers is ours.

    Args:
        features: (M, C) float32, mean class probabilities of each mask.
        current: (M,) majority label of each mask now, with the answers of this round applied; 255 = void.
        queried_now: (M,) bool, asked about in this round.
        answered: (M,) label after the answer, read only where `queried_now`.
        shown: (M,) label before the answer, read only where `queried_now`.
        queried_before: (M,) bool, asked about in an earlier round.
        num_classes: C.
        settings: How to propagate.
        round_index: The round, counted from 1.
        seed: Seed of the experiment.

    Returns:
        The changes. A mask that was ever asked about is never among them.

    Raises:
        InputError: When the settings have no threshold for this round.
    """
    learned = queried_now & (answered >= 0) & (answered < num_classes)
    if settings.name == "none" or not learned.any():
        untouched = np.zeros(len(current), dtype=bool)
        return Propagation(untouched, current.astype(np.int64), untouched.astype(np.float32), math.inf)

    answers = answered[learned]
    queried_per_class = np.bincount(answers.astype(np.int64), minlength=num_classes)
    make_module = partial(_module, num_classes, settings, seed_of(seed, round_index, "propagation"))
    threshold = settings.threshold_of(round_index)
    if threshold is None:
        folds_seed = seed_of(seed, round_index, "propagation folds")
        threshold = _held_out_threshold(
            features[learned], answers, shown[learned], queried_per_class, make_module, settings, folds_seed
        )
    predicted, confidence = make_module().fit(features[learned], answers).predict(features)
    trusted = selection_criteria(current, predicted, confidence, queried_per_class, threshold, settings.tail_fraction)
    labelled = (current >= 0) & (current < num_classes)
    change = trusted & ~queried_now & ~queried_before & (labelled | settings.fill_void)
    _log.info("round %d: changed %d masks at confidence >= %g", round_index, change.sum(), threshold)
    return Propagation(change, predicted, confidence, threshold)


def _module(num_classes: int, settings: PropagationSettings, seed: int) -> LabelCorrectionModule:
    return LabelCorrectionModule(
        num_classes,
        mode=settings.mode,
        seed=seed,
        epochs=settings.epochs,
        batch_size=settings.batch_size,
        learning_rate=settings.learning_rate,
    )


def _held_out_threshold(
    features: NDArray[np.float32],
    answers: NDArray[np.integer],
    shown: NDArray[np.integer],
    queried_per_class: NDArray[np.integer],
    make_module: Callable[[], LabelCorrectionModule],
    settings: PropagationSettings,
    folds_seed: int,
) -> float:
    if len(answers) < max(2, settings.minimum_support):
        return math.inf
    predicted, confidence = held_out_predictions(features, answers, make_module, settings.folds, folds_seed)
    eligible = selection_criteria(shown, predicted, confidence, queried_per_class, 0.0, settings.tail_fraction)
    return choose_threshold(
        shown, answers, predicted, confidence, eligible, settings.target_precision, settings.minimum_support
    )
