"""The pair model: a logistic regression that says how likely a candidate is the class of a mask."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from a2lc.posterior.pairs import Pairs

_ITERATIONS = 50  # five or six are the rule
_STILL = 1e-6  # standard deviation below which a feature does not vary
_SURE = 20.0  # logit where all answers are alike
_TOLERANCE = 1e-3  # of the gradient; the probabilities stand in the third digit long before


@dataclass(frozen=True)
class PairModel:
    """x → sigmoid(w·z + u·z [c = L] + v·z [c = background] + b), z the standardised features.

    Attributes:
        mean: (F,) float32, mean of the features of the pairs it was fitted on.
        scale: (F,) float32, their standard deviation; 1 for a feature that does not vary.
        weights: (F, 3) float32, columns w, u, v.
        intercept: b.
    """

    mean: NDArray[np.float32]
    scale: NDArray[np.float32]
    weights: NDArray[np.float32]
    intercept: float

    @classmethod
    def fit(cls, pairs: Pairs, rows: NDArray[np.bool_], target: NDArray[np.bool_], regularisation: float) -> PairModel:
        """Fit on some of the pairs.

        Args:
            pairs: All pairs.
            rows: (N,) bool, the pairs to learn from.
            target: (N,) bool, whether the candidate is the answer; read only in these rows.
            regularisation: Inverse strength of the L2 penalty.
        """
        features = pairs.features[rows]
        wanted = target[rows]
        if not wanted.any() or wanted.all():  # nothing to tell apart
            size = features.shape[1]
            neutral = np.zeros(size, dtype=np.float32)
            none = np.zeros((size, 3), dtype=np.float32)
            return cls(neutral, neutral + 1, none, _SURE if wanted.any() else -_SURE)
        mean = features.mean(axis=0)
        scale = features.std(axis=0)
        scale[(scale < _STILL) | (features == features[0]).all(axis=0)] = 1  # rounding can make a constant seem to vary
        standard = (features - mean) / scale
        design = np.zeros((len(standard), 3 * len(mean)), dtype=np.float32)
        everywhere = np.ones(len(standard), dtype=bool)
        for block, group in enumerate((everywhere, pairs.is_label[rows], pairs.is_background[rows])):
            design[group, block * len(mean) : (block + 1) * len(mean)] = standard[group]
        # few parameters and many rows: Newton steps are exact and few
        regression = LogisticRegression(
            C=regularisation, solver="newton-cholesky", max_iter=_ITERATIONS, tol=_TOLERANCE
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            regression.fit(design, wanted)
        weights = regression.coef_[0].reshape(3, -1).T.astype(np.float32)
        return cls(mean, scale, weights, float(regression.intercept_[0]))

    def predict(self, pairs: Pairs) -> NDArray[np.float64]:
        """(N,) probability that the candidate of each pair is the class of its mask."""
        standard = pairs.features - self.mean
        standard /= self.scale  # in place: the pairs of many masks are the largest table there is
        logits = standard @ self.weights
        logit = logits[:, 0] + logits[:, 1] * pairs.is_label + logits[:, 2] * pairs.is_background + self.intercept
        probability: NDArray[np.float64] = expit(logit.astype(np.float64))
        return probability
