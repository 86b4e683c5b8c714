"""Dataclasses of parallel arrays refuse arrays of different lengths."""

from __future__ import annotations

import numpy as np
import pytest

from a2lc.mask_statistics.spans import Described, Spans
from a2lc.quality.issues import PixelScores
from a2lc.quality.pixels import Layout

NUMBERS = np.arange(3)


def test_the_message_says_how_long_each_array_is() -> None:
    with pytest.raises(ValueError, match=r"arrays of PixelScores .* labels 3, predicted 2, highest 3, confidence 3"):
        PixelScores(4, Layout((1, 3), None), NUMBERS, NUMBERS[:2], NUMBERS, NUMBERS)


def test_pixels_that_are_described_by_arrays_of_different_lengths() -> None:
    with pytest.raises(ValueError, match="arrays of Described"):
        Described(NUMBERS, NUMBERS, NUMBERS, NUMBERS, NUMBERS[1:], 0)


def test_spans_end_behind_the_last_one() -> None:
    with pytest.raises(ValueError, match="index must have 4 entries, not 3"):
        Spans(start=NUMBERS, index=NUMBERS, mask=NUMBERS, masks=3)
