"""Masks of a known class with noisy mean probabilities, for the tests of propagation."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

VOID = 255


def masks_of(labels: NDArray[np.integer], num_classes: int, noise: float, seed: int = 0) -> NDArray[np.float32]:
    """Mean class probabilities of masks whose true classes are `labels`."""
    logits = np.random.default_rng(seed).normal(scale=noise, size=(len(labels), num_classes))
    logits[np.arange(len(labels)), labels] += 3
    weights = np.exp(logits)
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


LABELS = np.arange(40) % 4
FEATURES = masks_of(LABELS, 4, noise=0.5)


def trusted_by_loop(
    current: Any, predicted: Any, confidence: Any, queried: Any, threshold: float, tail_fraction: float
) -> list[bool]:
    """J1, J2 and J3 mask by mask, with Python's sort."""
    order = sorted(range(len(queried)), key=lambda c: (queried[c], c))
    tail = order[: int(tail_fraction * len(queried))]
    return [
        float(q) >= threshold and p not in tail and y != order[0] and p != y
        for y, p, q in zip(current.tolist(), predicted.tolist(), confidence.tolist(), strict=True)
    ]
