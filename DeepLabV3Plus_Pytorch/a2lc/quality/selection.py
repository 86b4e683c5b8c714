"""The n-th smallest of more scores than fit into memory, exactly.

Floating-point numbers that are not negative have the order of their bit patterns. So the pattern of the wanted number
is found from the left, 16 bits at a time: a histogram of the next 16 bits of those scores that begin like it tells how
it goes on. float32 needs two histograms, float64 four.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from a2lc.quality.pixels import Floats

_DIGIT = 16  # bits
_VALUES = 1 << _DIGIT


class LeadingHistogram:
    """How many scores, none of them negative, begin with each 16-bit pattern.

    Attributes:
        dtype: float32 or float64, the type of the scores.
        counts: (65536,) int64.
    """

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self.dtype = dtype
        self.counts = np.zeros(_VALUES, dtype=np.int64)

    def add(self, scores: Floats) -> None:
        """Count an array of scores."""
        self.counts += _histogram(_bits(scores), self.dtype.itemsize * 8 - _DIGIT)


def nth_smallest(scores: Iterable[Floats], n: int, leading: LeadingHistogram) -> float:
    """The n-th smallest of all scores, n from 1.

    Args:
        scores: The arrays that `leading` has counted; read once if they are float32, three times if float64.
        n: Which one.
        leading: What was counted.

    Raises:
        ValueError: When the scores are so different from those counted that none is near the wanted one.
    """
    pattern = 0  # the bits found so far
    counts = leading.counts  # (65536,) of the next 16 bits
    shift = leading.dtype.itemsize * 8 - _DIGIT  # how many bits stand behind those
    while True:
        below = np.cumsum(counts)
        if not below[-1]:
            raise ValueError("the predictions changed between two reads: every read must give the same pairs")
        n = min(n, int(below[-1]))  # fewer than counted where two reads differ by the noise of a GPU
        digit = int(np.searchsorted(below, n))
        n -= int(below[digit] - counts[digit])
        pattern = pattern << _DIGIT | digit
        if not shift:
            return float(np.array(pattern, dtype=f"u{leading.dtype.itemsize}").view(leading.dtype))
        shift -= _DIGIT
        counts = sum((_following(array, pattern, shift) for array in scores), start=np.zeros(_VALUES, dtype=np.int64))


def _following(scores: Floats, pattern: int, shift: int) -> NDArray[np.int64]:
    """Histogram of the 16 bits at `shift`, of those scores that begin with the pattern."""
    bits = _bits(scores)
    return _histogram(bits[bits >> (shift + _DIGIT) == pattern], shift)


def _histogram(bits: NDArray[np.unsignedinteger[Any]], shift: int) -> NDArray[np.int64]:
    """(65536,) how often each value of the 16 bits at `shift` occurs."""
    return np.bincount((bits >> shift & (_VALUES - 1)).astype(np.intp), minlength=_VALUES)


def _bits(scores: Floats) -> NDArray[np.unsignedinteger[Any]]:
    """The bit patterns of (V,) scores, in whose order they are."""
    # abs turns -0.0, whose bits are out of order, into 0.0
    bits: NDArray[np.unsignedinteger[Any]] = np.abs(scores).view(f"u{scores.dtype.itemsize}")
    return bits
