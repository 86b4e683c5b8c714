"""Confidence set right: by initial class and size of the masks, as far as the answers themselves ask for it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import logsumexp, softmax

from a2lc.foundation.parallel import check_parallel
from a2lc.posterior.pool import MaskPool
from a2lc.posterior.runs import IntArray

_PENALTIES = (1000.0, 100.0, 10.0)  # of the terms per class: from hardly any difference between classes to much
_COMMON_PENALTY = 1.0  # of the terms that all classes share
_COMMON = 2  # how many of these stand first: a constant, and the size

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Evidence:
    """What K masks say about the calibration, and how it enters: P'(c|m) ∝ P(c|m)^(1 + a·f) · exp(b·f · [c = L]).

    Attributes:
        log: (K, C) log P(c|m), of a model that never saw the answers about m.
        is_label: (K, C) float64, 1 where c is the initial label L.
        features: (K, 2 + C + 1) f: 1, standardised log pixels, and 1 at L (the last is void).
    """

    log: FloatArray
    is_label: FloatArray
    features: FloatArray

    def __post_init__(self) -> None:
        check_parallel(self, "log", "is_label", "features")

    def of(self, rows: NDArray[np.bool_]) -> Evidence:
        """Some of the masks."""
        return Evidence(self.log[rows], self.is_label[rows], self.features[rows])

    def logits(self, weights: FloatArray) -> FloatArray:
        """(K, C) logarithm of P'(c|m), up to a constant per mask; weights (2, F) are a and b."""
        power, shift = weights @ self.features.T
        logits: FloatArray = self.log * (1 + power)[:, None] + self.is_label * shift[:, None]
        return logits


def calibrated(
    pool: MaskPool, probability: FloatArray, judged: FloatArray, likelihood: FloatArray, told: IntArray, fold: IntArray
) -> FloatArray:
    """The posterior (M, C) with its confidence set right; unchanged where no calibration explains the answers better.

    The calibrations differ in how far the classes share their terms. Each is judged by what it makes of the answers of
    one fold after learning from the others; so is doing nothing.

    Args:
        pool: The masks.
        probability: (M, C) posterior to calibrate.
        judged: (M, C) posterior of the masks asked about by models that never saw their answers.
        likelihood: (M, C) probability of the answers about each mask, given that c is its class.
        told: (K,) masks whose answers say something.
        fold: (M,) part of each mask.
    """
    evidence = _evidence(pool, judged, told)
    answers = likelihood[told]
    part = fold[told]
    best = None
    least = _loss(evidence.log, answers)
    for penalty in _PENALTIES:
        loss = 0.0
        for held_out in (part == k for k in np.unique(part)):
            weights = _fit(evidence.of(~held_out), answers[~held_out], penalty)
            loss += _loss(evidence.of(held_out).logits(weights), answers[held_out])
        if loss < least:
            best, least = penalty, loss
    if best is None:
        return probability
    everyone = _evidence(pool, probability, np.arange(len(pool)))
    after: FloatArray = softmax(everyone.logits(_fit(evidence, answers, best)), axis=1)
    return after


def _evidence(pool: MaskPool, probability: FloatArray, masks: IntArray) -> Evidence:
    """What some masks (K,) of the pool say, by a posterior (M, C); sizes are standardised over the whole pool."""
    size = np.log(pool.pixels)
    size = (size - size.mean()) / max(size.std(), 1e-6)
    label = np.eye(pool.num_classes + 1)[pool.label[masks]]
    features = np.column_stack((np.ones(len(masks)), size[masks], label))
    return Evidence(np.log(probability[masks]), label[:, :-1], features)


def _loss(logits: FloatArray, likelihood: FloatArray) -> float:
    """-log of the probability of all answers, each the sum of P'(c|m) times its likelihood under c."""
    return float((logsumexp(logits, axis=1) - logsumexp(logits, axis=1, b=likelihood)).sum())


def _fit(evidence: Evidence, likelihood: FloatArray, penalty: float) -> FloatArray:
    """(2, F) weights a and b of least loss + half the sum of their squares, each times its penalty."""
    size = evidence.features.shape[1]
    strength = np.where(np.arange(size) < _COMMON, _COMMON_PENALTY, penalty)

    def objective(flat: FloatArray) -> tuple[float, FloatArray]:
        weights = flat.reshape(2, size)
        logits = evidence.logits(weights)
        surplus = softmax(logits, axis=1) - softmax(logits + np.log(np.maximum(likelihood, 1e-300)), axis=1)
        slopes = np.stack([(surplus * evidence.log).sum(axis=1), (surplus * evidence.is_label).sum(axis=1)])
        value = _loss(logits, likelihood) + 0.5 * (strength * weights**2).sum()
        return value, (slopes @ evidence.features + strength * weights).ravel()

    found = minimize(objective, np.zeros(2 * size), jac=True, method="L-BFGS-B")
    weights: FloatArray = found.x.reshape(2, size)
    return weights
