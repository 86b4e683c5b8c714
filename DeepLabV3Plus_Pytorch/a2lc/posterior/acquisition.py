"""Which masks are worth the next clicks: how much a right label would add to the mean IoU, as far as is believed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from a2lc.posterior.belief import Belief
from a2lc.posterior.pool import MaskPool
from a2lc.posterior.settings import PosteriorSettings


def exchange_rate(pool: MaskPool, belief: Belief) -> NDArray[np.float64]:
    """(C,) what a pixel of each class is worth: v_c = (chance that the class occurs) / U_c.

    U_c = T_c + A_c - I_c is the union expected for the class, T_c = sum of n P(c|m), A_c the area labelled c, I_c the
    sum of n P(c|m) over masks labelled c; pixels under no mask count as what they are labelled. The chance is the
    larger of max P(c|m) and r / (1 + k + r), for k answered and r unanswered masks of the initial label c.
    """
    classes = pool.num_classes
    unmasked = pool.unmasked.sum(axis=0)
    pixels = pool.pixels.astype(np.float64)
    asked = belief.asked > 0
    believed = _of_label(belief.probability, belief.label)
    true = pixels @ belief.probability + unmasked
    labelled = np.bincount(belief.label, pixels, classes + 1)[:classes] + unmasked
    common = np.bincount(belief.label, pixels * believed, classes + 1)[:classes] + unmasked
    answered = np.bincount(pool.label[asked], minlength=classes + 1)[:classes]
    left = np.bincount(pool.label[~asked], minlength=classes + 1)[:classes]
    occurs = np.maximum(belief.probability.max(axis=0, initial=0), left / (1 + answered + left))
    rate: NDArray[np.float64] = occurs / np.maximum(true + labelled - common, 1)
    return rate


def score_masks(pool: MaskPool, belief: Belief, settings: PosteriorSettings) -> NDArray[np.float64]:
    """(M,) score s(m) = n · sum of P(b|m) (v_label + v_b) over the classes b that are not its label; higher first.

    The last hopes of a class come before all others. A mask that is not to be asked about again has -inf.
    """
    rate = exchange_rate(pool, belief)
    of_label = np.append(rate, 0)[belief.label]
    others = belief.probability.sum(axis=1) - _of_label(belief.probability, belief.label)
    gain = belief.probability @ rate - _of_label(belief.probability * rate, belief.label)
    opinions = settings.opinions if settings.error_rate else 1
    score = np.where(belief.asked < opinions, pool.pixels * (of_label * others + gain), -np.inf)
    last = last_of_their_class(pool, belief, settings.least_evidence)
    score[last] += np.max(score, initial=0, where=np.isfinite(score))
    return score


def last_of_their_class(pool: MaskPool, belief: Belief, least_evidence: float) -> NDArray[np.int64]:
    """The likeliest mask of every class that no mask is labelled with any more, although it may well exist.

    A class with initial labels must not vanish by conclusions alone: as long as an unasked mask of its initial label
    has at least the given probability to be of it, the likeliest one is asked about first. The background needs none
    of this.
    """
    vanished = np.bincount(pool.label, minlength=pool.num_classes)[: pool.num_classes] > 0
    vanished[belief.label[belief.label < pool.num_classes]] = False
    chosen = []
    for label in np.flatnonzero(vanished):
        unasked = np.flatnonzero((pool.label == label) & (belief.asked == 0))
        probability = belief.probability[unasked, label]
        if label != pool.background and probability.max(initial=0) >= least_evidence:
            chosen.append(unasked[probability.argmax()])
    return np.array(chosen, dtype=np.int64)


def _of_label(table: NDArray[np.float64], label: NDArray[np.int64]) -> NDArray[np.float64]:
    """The entry of each row (M, C) at its label, 0 where the label is void."""
    return np.append(table, np.zeros((len(table), 1)), axis=1)[np.arange(len(table)), label]
