"""What is believed about every mask after some answers: a probability per class, and the labels that follow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from a2lc.foundation.parallel import check_parallel
from a2lc.posterior.answers import UNANSWERED, answer_tables
from a2lc.posterior.calibration import calibrated
from a2lc.posterior.model import PairModel
from a2lc.posterior.noise import channel, decided_answers
from a2lc.posterior.pairs import Pairs, build_pairs
from a2lc.posterior.pool import MaskPool
from a2lc.posterior.runs import IntArray
from a2lc.posterior.settings import PosteriorSettings

_LEAST, _ANY = 0.002, 1e-4  # probability of a candidate at least, and added to every class: nothing is impossible


@dataclass(frozen=True)
class Belief:
    """The posterior and the labels.

    Attributes:
        probability: (M, C) float64, P(c|m); a row sums to 1, or to 0 where the answer is void.
        label: (M,) int64, current label; C = void.
        asked: (M,) int64, answers given about the mask.
    """

    probability: NDArray[np.float64]
    label: IntArray
    asked: IntArray

    def __post_init__(self) -> None:
        check_parallel(self, "probability", "label", "asked")


def update_belief(
    pool: MaskPool,
    touching: csr_array,
    votes: IntArray,
    fold: IntArray,
    settings: PosteriorSettings,
    network: NDArray[np.float32] | None = None,
) -> Belief:
    """Learn from all answers given so far and judge every mask: a function of the answers, not of their order.

    Args:
        pool: The masks.
        touching: `adjacency(pool)`.
        votes: (M, C + 1) int64, answers per mask and class, void last.
        fold: (M,) int64 in [0, settings.folds), the part that each mask belongs to.
        settings: How to fit and how far to believe.
        network: (M, C) float32, mean class probabilities of each mask; None without a network.
    """
    answer = decided_answers(votes)
    classes = pool.num_classes
    if not votes[:, :classes].any():
        label = np.where(answer == classes, classes, pool.label)
        return Belief(one_hot(label, classes), label, votes.sum(axis=1))
    pairs = build_pairs(pool, answer_tables(pool, touching, answer), network)
    likelihood = channel(votes, settings.error_rate)
    doubted = settings.error_rate > 0  # an answer is evidence, not the truth
    if doubted or settings.calibration:
        judged = _cross_fitted(pool, pairs, answer, fold, settings)
    probability = judged if doubted else _fitted(pool, pairs, answer, np.ones(len(pool), dtype=bool), settings)
    if settings.calibration:
        told = np.flatnonzero(votes[:, :classes].any(axis=1) & likelihood.any(axis=1))
        probability = calibrated(pool, probability, judged, likelihood, told, fold)
    if doubted:
        probability = probability * likelihood
        probability /= probability.sum(axis=1, keepdims=True)
    known = answer == classes if doubted else answer != UNANSWERED
    probability[known] = one_hot(answer[known], classes)
    return Belief(probability, current_labels(pool, answer, probability, known, settings), votes.sum(axis=1))


def one_hot(label: IntArray, classes: int) -> NDArray[np.float64]:
    """(M, C) 1 at the label of each row; a void row is 0."""
    rows: NDArray[np.float64] = np.eye(classes + 1)[label, :-1]
    return rows


def _fitted(
    pool: MaskPool, pairs: Pairs, answer: IntArray, learned: NDArray[np.bool_], settings: PosteriorSettings
) -> NDArray[np.float64]:
    """(M, C) posterior of a model of the answers about some masks.

    P(c|m) = (clip(probability of the pair, .002, 1) + 1e-4), 1e-4 for classes that are no candidate; normalised.
    """
    told = learned & (answer >= 0) & (answer < pool.num_classes)
    model = PairModel.fit(pairs, told[pairs.mask], pairs.candidate == answer[pairs.mask], settings.regularisation)
    probability = np.full((len(pool), pool.num_classes), _ANY)
    probability[pairs.mask, pairs.candidate] += np.clip(model.predict(pairs), _LEAST, 1)
    return probability / probability.sum(axis=1, keepdims=True)


def _cross_fitted(
    pool: MaskPool, pairs: Pairs, answer: IntArray, fold: IntArray, settings: PosteriorSettings
) -> NDArray[np.float64]:
    """(M, C) posterior of each answered mask by a model that never saw its answer; of the others, the models' mean."""
    judged = np.zeros((len(pool), pool.num_classes))
    for part in range(settings.folds):
        held_out = fold == part
        probability = _fitted(pool, pairs, answer, ~held_out, settings)
        judged += np.where(
            (answer == UNANSWERED)[:, None], probability / settings.folds, probability * held_out[:, None]
        )
    return judged


def current_labels(
    pool: MaskPool,
    answer: IntArray,
    probability: NDArray[np.float64],
    known: NDArray[np.bool_],
    settings: PosteriorSettings,
) -> IntArray:
    """(M,) the most probable class of each mask; the initial label among equals, and where too little is known of it.

    Args:
        pool: The masks.
        answer: (M,) decided answers.
        probability: (M, C) the posterior.
        known: (M,) bool, masks whose answer is beyond doubt.
        settings: How many answers a pseudo-class needs before masks are taken out of it.
    """
    classes = pool.num_classes
    label = probability.argmax(axis=1)
    shown = np.take_along_axis(probability, np.minimum(pool.label, classes - 1)[:, None], axis=1)[:, 0]
    stays = (pool.label < classes) & (shown >= probability.max(axis=1))
    answers_of_label = np.bincount(pool.label[answer != UNANSWERED], minlength=classes + 1)
    stays |= (answers_of_label[pool.label] < settings.few_answers) & (answer == UNANSWERED)
    label = np.where(stays, pool.label, label)
    return np.where(known, answer, label)
