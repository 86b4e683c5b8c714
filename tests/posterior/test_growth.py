"""Very many masks in an image: what is described of them takes memory by the mask, not by the pair of masks."""

from __future__ import annotations

import tracemalloc

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray
from scipy import ndimage

from a2lc.posterior import describe_masks
from a2lc.posterior.runs import count_parts, find_runs, row_spans
from a2lc.posterior.shapes import RING, SHAPE_NAMES
from tests.support.posterior_case import CLASSES, slow_label, slow_ring

CELL = 8
PER_MASK = 6_000  # bytes that may be allocated for a mask; a row over all other masks takes 32,768 at 4,096 of them


def grid(side: int) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """Labels and masks of an image of side x side square masks, each of a label of its own choice."""
    cells = np.arange(1, side**2 + 1, dtype=np.int32).reshape(side, side)
    labels = np.random.default_rng(0).integers(0, CLASSES, cells.shape, dtype=np.uint8)
    square = np.ones((CELL, CELL), dtype=np.uint8)
    return np.kron(labels, square), np.kron(cells, square)


def peak_of_describing(side: int) -> int:
    """Bytes allocated at most while the masks of a grid are described."""
    labels, masks = grid(side)
    tracemalloc.start()
    describe_masks(labels, masks, CLASSES)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_memory_grows_with_the_masks_and_not_with_their_pairs() -> None:
    assert peak_of_describing(64) < PER_MASK * 64**2


@given(st.integers(0, 10**6))
def test_scattered_masks_equal_comparisons_of_every_pair(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(1, 14, 2))
    masks = rng.choice(np.array([0, 1, 2, 3, 50, 51, 4000]), shape).astype(np.int32)
    labels = rng.choice(np.array([0, 1, 2, 3, 255], dtype=np.uint8), shape)
    described = describe_masks(labels, masks, CLASSES)
    ids = [int(mask) for mask in np.unique(masks) if mask]
    size = {mask: int((masks == mask).sum()) for mask in ids}
    label = {mask: slow_label(labels, masks, mask) for mask in ids}
    expected = []
    for place, mask in enumerate(ids):
        ring = slow_ring(masks == mask)
        expected += [(place, ids.index(m), int((masks[ring] == m).sum())) for m in ids if (masks[ring] == m).any()]
        features = dict(zip(SHAPE_NAMES, described.shape[place].tolist(), strict=True))
        assert features["size_rank"] == np.float32(sum(size[m] > size[mask] for m in ids) / len(ids))
        assert features["masks_with_label"] == sum(label[m] == label[mask] for m in ids)
    assert [tuple(row) for row in described.neighbours.tolist()] == expected


@given(st.integers(0, 10**6))
def test_spans_equal_a_visit_to_every_row_of_every_mask(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 4, tuple(rng.integers(1, 12, 2)))
    expected = np.zeros(6, dtype=np.int64)
    for row in values:
        for value in np.unique(row):
            expected[value] += np.ptp(np.flatnonzero(row == value)) + 1
    np.testing.assert_array_equal(row_spans(find_runs(values), 6), expected)


@given(
    arrays(np.int64, array_shapes(min_dims=2, max_dims=2, max_side=8), elements=st.integers(0, 2), fill=st.nothing())
)
@example(np.array([[0, 0, 0, 1], [0, 1, 1, 1]]))  # a run above the last one, which ends in the corner
def test_parts_are_those_that_a_flood_finds(values: NDArray[np.int64]) -> None:
    around = np.ones((3, 3), dtype=int)
    expected = [ndimage.label(values == value, around)[1] for value in range(4)]
    assert count_parts(find_runs(values), 4).tolist() == expected


def test_in_a_grid_a_mask_touches_the_eight_around_it() -> None:
    described = describe_masks(*grid(5), CLASSES)
    touched = {int(other): int(pixels) for mask, other, pixels in described.neighbours if mask == 12}
    beside, across = RING * CELL, RING**2
    assert touched == {6: across, 7: beside, 8: across, 11: beside, 13: beside, 16: across, 17: beside, 18: across}
