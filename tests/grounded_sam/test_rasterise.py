"""Painting masks in one pass against sorting and painting them over each other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from a2lc.foundation.errors import InputError
from grounded_sam.rasterise import MAX_MASKS, Rasteriser


def draw_masks(seed: int, count: int, height: int, width: int) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Rectangles, of which many are equally large and some empty, and noise; (N, H, W) bool and (N,) labels."""
    rng = np.random.default_rng(seed)
    masks = np.zeros((count, height, width), dtype=bool)
    for mask in masks:
        row, column = rng.integers(0, height), rng.integers(0, width)
        mask[row : row + rng.integers(0, 5), column : column + rng.integers(0, 5)] = True
        if rng.random() < 0.2:
            mask[:] = rng.random(mask.shape) < rng.random()
    return masks, rng.integers(0, 20, count)


def paint(
    masks: NDArray[np.bool_], labels: NDArray[np.int64], unmasked: int, min_area: int
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The obvious implementation: the largest first, each over what is there."""
    areas = masks.sum(axis=(1, 2))
    painted, ids = np.full(masks.shape[1:], unmasked, dtype=np.uint8), np.zeros(masks.shape[1:], dtype=np.int64)
    for index in np.argsort(-areas, kind="stable"):
        if areas[index] >= min_area:
            painted[masks[index]], ids[masks[index]] = labels[index], index + 1
    return painted, ids


def rasterise(masks: NDArray[np.bool_], labels: NDArray[np.int64], unmasked: int, min_area: int = 0) -> Rasteriser:
    rasteriser = Rasteriser(*masks.shape[1:], unmasked, min_area)
    areas = [rasteriser.add(mask, int(label)) for mask, label in zip(masks, labels, strict=True)]
    assert areas == masks.sum(axis=(1, 2)).tolist()
    return rasteriser


def test_equals_painting_on_500_cases() -> None:
    hidden = most = 0
    for seed in range(500):
        count = 320 if seed % 50 == 0 else seed % 40
        masks, labels = draw_masks(seed, count, 7 + seed % 5, 9)
        unmasked, min_area = (0, 255)[seed % 2], (0, 1, 6)[seed % 3]
        result = rasterise(masks, labels, unmasked, min_area)
        expected_labels, expected_ids = paint(masks, labels, unmasked, min_area)
        assert np.array_equal(result.labels, expected_labels), seed
        assert np.array_equal(result.masks, expected_ids), seed
        hidden += len(masks) - len(np.unique(expected_ids[expected_ids > 0]))
        most = max(most, int(expected_ids.max()))
    assert hidden  # the cases hold empty and painted-over masks ...
    assert most > 255  # ... and ids beyond eight bits
    assert (result.labels.dtype, result.masks.dtype) == (np.uint8, np.int32)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10**6), order=st.permutations(range(8)))
def test_only_masks_of_equal_area_depend_on_the_order(seed: int, order: list[int]) -> None:
    areas = np.random.default_rng(seed).choice(np.arange(1, 60), 8, replace=False)
    masks = np.array([np.random.default_rng(seed + area).permutation(60).reshape(6, 10) < area for area in areas])
    labels = np.arange(8)
    shuffled = rasterise(masks[order], labels[order], 255)
    assert np.array_equal(shuffled.labels, rasterise(masks, labels, 255).labels)


def test_small_masks_are_left_out_but_keep_their_ids() -> None:
    masks = np.zeros((3, 2, 4), dtype=bool)
    masks[0, :, :2], masks[1, 0, 0], masks[2, 0, 2:] = True, True, True
    result = rasterise(masks, np.array([5, 6, 7]), 255, min_area=2)
    assert result.masks.tolist() == [[1, 1, 3, 3], [1, 1, 0, 0]]
    assert result.labels.tolist() == [[5, 5, 7, 7], [5, 5, 255, 255]]


def test_nothing_added_is_all_unmasked() -> None:
    rasteriser = Rasteriser(2, 3, 0)
    assert not rasteriser.labels.any()
    assert not rasteriser.masks.any()


def test_more_masks_than_ids_are_refused() -> None:
    rasteriser = Rasteriser(1, 1, 255)
    mask = np.ones((1, 1), dtype=bool)
    for _ in range(MAX_MASKS):
        rasteriser.add(mask, 3)
    assert rasteriser.masks.item() == 65535
    with pytest.raises(InputError, match="more than 65535 detections"):
        rasteriser.add(mask, 3)


def test_a_mask_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match=r"the mask is \(1, 3\) but the image is \(3, 1\)"):
        Rasteriser(3, 1, 0).add(np.ones((1, 3), dtype=bool), 0)
