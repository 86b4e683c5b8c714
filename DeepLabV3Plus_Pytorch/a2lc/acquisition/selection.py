"""Selecting the best over all images."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import TypeVar

from a2lc.foundation.ids import MaskKey

Key = TypeVar("Key", MaskKey, tuple[str, int, int, int])


def select_masks(scores: Mapping[Key, float], budget: int, exclude: Collection[Key] = ()) -> list[Key]:
    """The `budget` masks of highest score over all images.

    Args:
        scores: {(image id, mask id): score}; the key may go on with the row and column of a pixel.
        budget: How many to select; all that are left when there are fewer.
        exclude: Masks that must not be selected (queried before).

    Returns:
        The keys, best first; ties broken by image id, then mask id.

    Raises:
        ValueError: When a score is not finite.

    Example:
        >>> select_masks({("cat", 1): 0.2, ("cat", 2): 0.9, ("dog", 1): 0.9}, budget=2)
        [('cat', 2), ('dog', 1)]
    """
    wrong = next((key for key, score in scores.items() if not math.isfinite(score)), None)
    if wrong is not None:
        raise ValueError(f"mask {wrong[1]} of '{wrong[0]}' has score {scores[wrong]}: scores must be finite")
    excluded = set(exclude)
    candidates = (key for key in scores if key not in excluded)
    return sorted(candidates, key=lambda key: (-scores[key], key))[: max(budget, 0)]
