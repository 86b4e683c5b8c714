"""Answers as evidence: what a vote for a class says about the true one when some votes are wrong."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from a2lc.posterior.answers import UNANSWERED
from a2lc.posterior.runs import IntArray


def decided_answers(votes: IntArray) -> IntArray:
    """(M,) int64 answer with the most votes; -1 for a mask without votes or with a tie, which teaches nothing.

    Args:
        votes: (M, C + 1) int64, answers per mask and class, void last.
    """
    most = votes.max(axis=1)
    decided = (most > 0) & ((votes == most[:, None]).sum(axis=1) == 1)
    return np.where(decided, votes.argmax(axis=1), UNANSWERED)


def channel(votes: IntArray, error_rate: float) -> NDArray[np.float64]:
    """(M, C) likelihood of the votes of each mask, given that c is its class; 1 without votes.

    P(vote = a | class = c) = 1 - ε for a = c, and ε / (C - 1) for every other class: a wrong answer is any class.
    """
    classes = votes.shape[1] - 1
    of_class = votes[:, :classes]
    wrong = of_class.sum(axis=1, keepdims=True) - of_class
    likelihood: NDArray[np.float64] = (1 - error_rate) ** of_class * (error_rate / max(classes - 1, 1)) ** wrong
    return likelihood
