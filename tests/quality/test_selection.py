"""What label quality is built of: the n-th smallest score of a stream, and the most probable class."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays as numpy_arrays

from a2lc.quality.pixels import most_probable
from a2lc.quality.selection import LeadingHistogram, nth_smallest


@given(st.data(), st.sampled_from([np.float32, np.float64]))
def test_nth_smallest_is_that_of_a_sort(data: st.DataObject, dtype: type) -> None:
    width = 32 if dtype == np.float32 else 64
    ties = st.sampled_from([0.0, -0.0, 1.0, 0.5, float(np.nextafter(dtype(0.5), dtype(1)))])
    scores = data.draw(
        numpy_arrays(dtype, st.integers(1, 60), elements=st.one_of(ties, st.floats(0, 1, width=width))), label="scores"
    )
    n = data.draw(st.integers(1, len(scores)), label="n")
    parts = np.array_split(scores, 3)
    leading = LeadingHistogram(scores.dtype)
    for part in parts:
        leading.add(part)
    assert nth_smallest(parts, n, leading) == np.sort(scores)[n - 1]


def test_nth_smallest_notices_that_the_scores_changed() -> None:
    scores = np.array([0.1, 0.2, 0.3], dtype=np.float32)
    leading = LeadingHistogram(scores.dtype)
    leading.add(scores)
    with pytest.raises(ValueError, match="changed between two reads"):
        nth_smallest([scores + 0.5], 2, leading)


@pytest.mark.parametrize("classes", [1, 2, 255, 256, 257, 300])
def test_the_most_probable_class_is_the_first_of_the_largest(classes: int) -> None:
    probabilities = np.random.default_rng(classes).integers(0, 4, (classes, 70_000)).astype(np.float32)
    predicted, highest = most_probable(probabilities)
    assert np.array_equal(predicted, probabilities.argmax(axis=0))
    assert np.array_equal(highest, probabilities.max(axis=0))
