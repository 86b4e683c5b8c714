"""A drawn photo, and majority labels from the definition."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray


def brute_force_majority(labels: NDArray[np.uint8], ids: NDArray[np.int32]) -> NDArray[np.uint8]:
    expected = np.zeros_like(labels)
    for superpixel in np.unique(ids):
        votes = Counter(labels[ids == superpixel].tolist())
        expected[ids == superpixel] = min(label for label in votes if votes[label] == max(votes.values()))
    return expected


def photo(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    """Coloured bars with noise."""
    rng = np.random.default_rng(seed)
    bars = rng.integers(0, 256, (1, width // 16 + 1, 3)).repeat(16, axis=1)[:, :width]
    return np.clip(bars + rng.normal(0, 6, (height, width, 3)), 0, 255).astype(np.uint8)
