"""The true classes of masks: one pass over an image says what comparing each mask by itself says."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from a2lc.evaluation.truth import MajorityClasses
from a2lc.foundation.errors import InputError

CLASSES = 3


@dataclass
class Maps:
    """Label maps by image id, and how often each was read."""

    of: dict[str, NDArray[np.uint8]]
    read: list[str] = field(default_factory=list)

    def labels(self, image_id: str) -> NDArray[np.uint8]:
        self.read.append(image_id)
        return self.of[image_id]


def drawn(seed: int) -> tuple[Maps, dict[str, NDArray[np.int32]]]:
    """Ground truth of two small images, with void and an index beyond the classes; masks with gaps in their ids."""
    rng = np.random.default_rng(seed)
    shapes = {"a": tuple(rng.integers(1, 7, 2)), "b": (5, 4)}
    true = {name: rng.choice(np.array([0, 1, 2, 3, 255], dtype=np.uint8), shape) for name, shape in shapes.items()}
    masks = {name: rng.choice(np.array([0, 1, 2, 7, 900]), shape).astype(np.int32) for name, shape in shapes.items()}
    return Maps(true), masks


def one_by_one(true: NDArray[np.uint8], inside: NDArray[np.bool_]) -> frozenset[int]:
    """The most frequent classes under one mask, by comparing the whole map with each class."""
    counts = [int((inside & (true == label)).sum()) for label in range(CLASSES)]
    return frozenset(label for label, count in enumerate(counts) if count == max(counts) > 0)


@given(st.integers(0, 10**6))
def test_counting_an_image_once_equals_comparing_mask_by_mask(seed: int) -> None:
    truth, masks = drawn(seed)
    keys = [(name, mask_id) for name in masks for mask_id in (7, 1, 2, 900, 5000, 7)]  # 5000 is in no image
    found = MajorityClasses(truth, masks.__getitem__, CLASSES).of(keys)
    assert found == [one_by_one(truth.of[name], masks[name] == mask_id) for name, mask_id in keys]


def test_an_image_is_read_once_for_all_columns() -> None:
    truth, masks = drawn(1)
    majority = MajorityClasses(truth, masks.__getitem__, CLASSES)
    keys = [("b", 7), ("a", 1), ("b", 900), ("a", 2)]
    assert majority.of(keys) == majority.of(keys)
    assert sorted(truth.read) == ["a", "b"]


def test_ground_truth_of_another_size_is_refused() -> None:
    truth, masks = drawn(1)
    masks["b"] = masks["b"].T
    with pytest.raises(InputError, match="'b'"):
        MajorityClasses(truth, masks.__getitem__, CLASSES).of([("b", 7)])
