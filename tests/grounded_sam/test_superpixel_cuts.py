"""Cutting one image: every pixel in a superpixel, colours followed, majority labels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from grounded_sam.superpixel_sets import majority_labels
from grounded_sam.superpixels import Felzenszwalb, Slic, open_superpixels
from tests.support.superpixel_case import brute_force_majority, photo

NEEDS_NO_CV2 = ("slic", "felzenszwalb")


@pytest.mark.parametrize("method", NEEDS_NO_CV2)
@given(st.integers(1, 70), st.integers(1, 70), st.none() | st.integers(1, 30), st.integers(0))
@example(1, 1, None, 0)
@example(1, 7, 30, 0)
def test_every_pixel_lies_in_a_superpixel(
    method: str, height: int, width: int, segments: int | None, seed: int
) -> None:
    image = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    superpixels = open_superpixels(method, segments)
    ids = superpixels(image)
    assert (ids.shape, ids.dtype) == ((height, width), np.int32)
    assert np.unique(ids).tolist() == list(range(1, ids.max() + 1))
    assert np.array_equal(superpixels(image), ids)


@pytest.mark.parametrize("method", NEEDS_NO_CV2)
def test_superpixels_follow_the_colours(method: str) -> None:
    image = np.zeros((96, 128, 3), dtype=np.uint8)
    image[30:70, 40:90] = (200, 60, 60)
    ids = open_superpixels(method, 60)(image)
    inside = np.unique(ids[30:70, 40:90])
    assert not set(inside.tolist()) & set(ids[:28].ravel().tolist())
    assert np.isin(ids, inside).sum() == pytest.approx(40 * 50, rel=0.02)


def test_the_number_of_superpixels_is_about_the_one_asked_for() -> None:
    image = photo(256, 384)
    for segments in (24, 96):
        counts = {method: open_superpixels(method, segments)(image).max() for method in NEEDS_NO_CV2}
        assert all(segments / 3 <= count <= 2 * segments for count in counts.values()), counts
    assert Slic(None)(image).max() == Slic(256 * 384 // 1024)(image).max()


def test_a_large_image_is_cut_at_half_size() -> None:
    ids = Felzenszwalb(50)(photo(1025, 1025))
    assert ids.shape == (1025, 1025)
    assert np.unique(ids).tolist() == list(range(1, ids.max() + 1))
    assert np.array_equal(ids[::2, ::2].repeat(2, 0).repeat(2, 1)[:1025, :1025], ids)


@given(seed=st.integers(0), superpixels=st.integers(1, 12))
def test_majority_labels_equal_a_loop(seed: int, superpixels: int) -> None:
    rng = np.random.default_rng(seed)
    ids = rng.integers(1, superpixels + 1, (7, 9)).astype(np.int32)
    labels = rng.choice(np.array([0, 1, 2, 255], dtype=np.uint8), (7, 9))
    assert np.array_equal(majority_labels(labels, ids), brute_force_majority(labels, ids))
