"""Which predictions of the label correction module are trusted: the three criteria J1, J2 and J3."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray


def selection_criteria(
    current: NDArray[np.integer],
    predicted: NDArray[np.integer],
    confidence: NDArray[np.floating],
    queried_per_class: NDArray[np.integer],
    threshold: float,
    tail_fraction: float = 0.5,
) -> NDArray[np.bool_]:
    """Choose the masks whose label is to be replaced by the predicted class.

    A mask is chosen when the prediction differs from its current label and
    J1: the confidence is at least the threshold,
    J2: the predicted class is not in the tail, and
    J3: the current label is not the rarest class.
    Classes are ordered by the number of masks asked about in this round, fewest first, ties by index; the tail is the
    first floor(tail_fraction · C) of them, the rarest class the first.

    Source: A²LC, criteria J1 to J3, in the reading of the official code.

    Args:
        current: (M,) majority label of each mask, 255 = void.
        predicted: (M,) predicted class of each mask.
        confidence: (M,) probability of the predicted class, in [0, 1].
        queried_per_class: (C,) number of masks answered with each class in this round.
        threshold: Lowest confidence that is trusted; inf trusts nothing.
        tail_fraction: Share of the classes that make up the tail, in [0, 1].

    Returns:
        (M,) bool, True where the label is to be replaced.

    Example:
        >>> current, predicted = np.array([1, 1, 2]), np.array([2, 2, 2])
        >>> selection_criteria(current, predicted, np.array([0.9, 0.4, 0.9]), np.array([1, 5, 6]), threshold=0.5)
        array([ True, False, False])
    """
    order = np.argsort(np.asarray(queried_per_class), kind="stable")
    tail = order[: math.floor(tail_fraction * len(order))]
    current = np.asarray(current)
    predicted = np.asarray(predicted)
    # In float32 a threshold such as 0.9999999 would be rounded down and let one more value pass.
    confident = np.asarray(confidence, dtype=np.float64) >= float(threshold)
    return confident & ~np.isin(predicted, tail) & (current != order[0]) & (predicted != current)
