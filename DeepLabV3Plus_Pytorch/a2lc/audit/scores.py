"""How suspicious a mask is, told by the out-of-sample predictions alone; a higher score is more suspicious.

"pooled": the pixels of a mask pool their votes, exp(mean of log f(x)), and the votes are shared out among the classes
that masks can have; the score is 1 - the share of the given class. A network trained briefly takes much of an object
for background and is sure of nothing, but which of two objects it sees it knows much earlier.
"calibrated", the default: the same votes, read in the light of the masks of other folds, too. A logistic regression
learns from those what class masks with such votes usually have; the score is 1 - the mean of the given class's share
and that probability. So a class that the network takes for another one throughout is less suspicious than a mask that
looks unlike the rest of its class. The share has its say because the regression is poor where there are few masks.
"lcil": 1 - mean of f_y(x). "softmin": 1 - softmin of f_y(x). "issues": the share of the pixels that confident learning
flags. These three find masks on background too, because background competes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from a2lc.audit.evidence import MaskEvidence
from a2lc.audit.settings import ScoreName
from a2lc.quality import find_label_issues

SCORE_NAMES: tuple[ScoreName, ...] = get_args(ScoreName)
_INVERSE_PENALTY = 0.1  # of the logistic regression
_ITERATIONS = 1000


@dataclass(frozen=True)
class Suspicion:
    """The verdict on M masks.

    Attributes:
        scores: Name of a score → (M,) float64 in [0, 1].
        predicted: (M,) int64, the class with the largest share of the calibrated votes.
        suspicious: (M,) bool, masks whose label confident learning takes for wrong, given the calibrated votes.
    """

    scores: dict[ScoreName, NDArray[np.float64]]
    predicted: NDArray[np.int64]
    suspicious: NDArray[np.bool_]


def judge(evidence: MaskEvidence, folds: NDArray[np.int64], background: int | None) -> Suspicion:
    """Judge masks by what was found out about them.

    Args:
        evidence: M masks of all images; M may be 0.
        folds: (M,) fold of each mask's image.
        background: The class that competes only if masks have it, or if there is but one other; None = there is none.
    """
    rows = np.arange(len(evidence))
    given = evidence.label
    pooled = pooled_votes(evidence.log_probability, candidates(given, evidence.share.shape[1], background))
    calibrated = calibrated_votes(evidence.log_probability, pooled, given, folds)
    scores: dict[ScoreName, NDArray[np.float64]] = {
        "calibrated": 1 - calibrated[rows, given],
        "pooled": 1 - pooled[rows, given],
        "lcil": 1 - evidence.mean_probability[rows, given].astype(np.float64),
        "softmin": 1 - evidence.softmin,
        "issues": evidence.issues,
    }
    clipped = {name: np.clip(score, 0, 1) for name, score in scores.items()}
    return Suspicion(clipped, calibrated.argmax(axis=1), _suspicious(calibrated, given))


def candidates(given: NDArray[np.int64], classes: int, background: int | None) -> NDArray[np.bool_]:
    """(C,) bool: classes that a mask may be taken for, those of which there are masks.

    Where all masks are of one class, background competes with it.
    """
    competing = np.bincount(given, minlength=classes) > 0
    if background is not None and competing.sum() < 2:
        competing[background] = True
    return competing


def pooled_votes(log_probability: NDArray[np.float64], competing: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(M, C) shares of the votes exp(log_probability) among the competing classes, 0 for the others."""
    logs = np.where(competing, log_probability, -np.inf)
    votes = np.exp(logs - logs.max(axis=1, keepdims=True))
    shares: NDArray[np.float64] = votes / votes.sum(axis=1, keepdims=True)
    return shares


def calibrated_votes(
    log_probability: NDArray[np.float64],
    pooled: NDArray[np.float64],
    given: NDArray[np.int64],
    folds: NDArray[np.int64],
) -> NDArray[np.float64]:
    """(M, C) mean of the pooled votes and of each class's probability among masks with such votes in the other folds.

    Args:
        log_probability: (M, C) the votes.
        pooled: (M, C) shares of the votes; they stand alone where the other folds have masks of one class only.
        given: (M,) class of each mask.
        folds: (M,) fold of each mask.
    """
    votes = pooled.copy()
    for fold in np.unique(folds):
        inside = folds == fold
        classes = np.unique(given[~inside])
        if len(classes) < 2:
            continue
        regression = make_pipeline(StandardScaler(), LogisticRegression(C=_INVERSE_PENALTY, max_iter=_ITERATIONS))
        regression.fit(log_probability[~inside], given[~inside])
        votes[inside] /= 2
        votes[np.ix_(inside, classes)] += regression.predict_proba(log_probability[inside]) / 2
    return votes


def _suspicious(votes: NDArray[np.float64], given: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Confident learning with masks in the place of pixels: (M,) bool."""
    if not len(given):
        return np.zeros(0, dtype=np.bool_)
    issues = find_label_issues(given[None, None], votes.T[None, :, None], void=-1)
    return np.asarray(issues)[0, 0]
