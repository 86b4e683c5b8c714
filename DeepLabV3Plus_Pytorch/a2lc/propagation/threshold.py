"""How sure is sure enough: the confidence threshold read off masks whose answer was kept from the module."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from a2lc.foundation.seeding import generator
from a2lc.propagation.lcm import LabelCorrectionModule


def held_out_predictions(
    features: NDArray[np.float32],
    labels: NDArray[np.integer],
    make_module: Callable[[], LabelCorrectionModule],
    folds: int,
    seed: int,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Predict each mask with a module that was trained on the other folds.

    The masks are shuffled and dealt out class by class, so that every class is spread over the folds as evenly as it
    can be, however few masks it has.

    Args:
        features: (Q, C) float32, mean class probabilities of each mask.
        labels: (Q,) answered class of each mask, in [0, C).
        make_module: Makes an untrained module.
        folds: Number of parts, at least 2; with fewer masks than folds each mask is a part of its own.
        seed: Decides the folds.

    Returns:
        predicted (Q,) int64 and confidence (Q,) float32, as `LabelCorrectionModule.predict` gives them.

    Raises:
        ValueError: When there are fewer than two masks or folds.
    """
    if len(labels) < 2 or folds < 2:
        raise ValueError(f"expected at least two masks and two folds, got {len(labels)} and {folds}")
    shuffled = generator("held-out folds", seed).permutation(len(labels))
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
    fold = np.empty(len(labels), dtype=np.int64)
    fold[by_class] = np.arange(len(labels)) % folds
    predicted = np.empty(len(labels), dtype=np.int64)
    confidence = np.empty(len(labels), dtype=np.float32)
    for held_out in (fold == index for index in np.unique(fold)):
        module = make_module().fit(features[~held_out], labels[~held_out])
        predicted[held_out], confidence[held_out] = module.predict(features[held_out])
    return predicted, confidence


def choose_threshold(
    shown: NDArray[np.integer],
    answered: NDArray[np.integer],
    predicted: NDArray[np.integer],
    confidence: NDArray[np.floating],
    eligible: NDArray[np.bool_],
    target_precision: float,
    minimum_support: int,
) -> float:
    """Find the smallest threshold at which automatic corrections are precise enough.

    Looked at are the masks that would be changed: eligible, and predicted as something else than was shown. A
    threshold qualifies when, among those with at least that confidence, there are `minimum_support` masks and the
    precision (prediction = answer) is at least the target. With so few masks the plain share of right ones is too
    hopeful: the precision is the lower end of Wilson's score interval of one standard error to each side,
    (k + ½ - √(k(n-k)/n + ¼)) / (n + 1) for k right ones of n, which is n/(n + 1) when all are right.

    The estimate holds for masks like those asked about. An acquisition that asks about the most doubtful masks first
    finds more wrong labels among them than there are among the rest, where a correction is thus right less often.

    Args:
        shown: (Q,) label of each mask before the answer, 255 = void.
        answered: (Q,) label after the answer.
        predicted: (Q,) class predicted without knowing the answer.
        confidence: (Q,) its probability, in [0, 1].
        eligible: (Q,) bool, False where the other criteria would forbid a change.
        target_precision: Share of right corrections asked for, in (0, 1).
        minimum_support: Fewest masks on which a precision is believed.

    Returns:
        One of the confidences, or inf when no threshold qualifies: nothing may be changed then.
    """
    changed = eligible & (predicted != shown)
    sure = np.asarray(confidence, dtype=np.float64)[changed]
    order = np.argsort(-sure, kind="stable")
    right = np.cumsum((predicted == answered)[changed][order])
    support = np.arange(1, len(sure) + 1)
    # Equal confidences pass together: only the last mask of a group of equals marks a threshold.
    last_of_equals = np.diff(sure[order], append=-math.inf) < 0
    precise = wilson_lower_bound(right, support) >= target_precision
    qualified = np.flatnonzero(last_of_equals & precise & (support >= minimum_support))
    return float(sure[order][qualified[-1]]) if len(qualified) else math.inf


def wilson_lower_bound(right: NDArray[np.integer], total: NDArray[np.integer]) -> NDArray[np.float64]:
    """Lower end of Wilson's score interval with z = 1: a share estimated from few cases, on the safe side.

    Args:
        right: (N,) successes.
        total: (N,) cases, at least 1.

    Returns:
        (N,) float64 in [0, 1).
    """
    return (right + 0.5 - np.sqrt(right * (total - right) / total + 0.25)) / (total + 1)
