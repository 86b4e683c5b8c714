"""What the ground truth says about single masks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from a2lc.foundation.ids import MaskKey
from a2lc.labels.base import LabelSource


@dataclass(frozen=True)
class MajorityClasses:
    """The classes that the most ground-truth pixels of a mask have: one, several on a tie, none where all are void.

    Attributes:
        truth: Ground truth.
        masks: The (H, W) mask map of an image id.
        num_classes: C.
    """

    truth: LabelSource
    masks: Callable[[str], NDArray[np.integer]]
    num_classes: int
    _known: dict[MaskKey, frozenset[int]] = field(default_factory=dict, init=False, repr=False)

    def of(self, keys: Collection[MaskKey]) -> list[frozenset[int]]:
        """The classes of masks, in the order given; every image is read once, however often it is asked for."""
        missing: dict[str, set[int]] = defaultdict(set)
        for image_id, mask_id in keys:
            if (image_id, mask_id) not in self._known:
                missing[image_id].add(mask_id)
        for image_id, mask_ids in missing.items():
            true = self.truth.labels(image_id)  # (H, W)
            masks = self.masks(image_id)  # (H, W)
            for mask_id in mask_ids:
                self._known[image_id, mask_id] = self._majority(true[masks == mask_id])
        return [self._known[key] for key in keys]

    def _majority(self, true: NDArray[np.uint8]) -> frozenset[int]:
        """The most frequent classes among the true labels (N,) of a mask's pixels, void left out."""
        counts = np.bincount(true, minlength=256)[: self.num_classes]  # (C,)
        if not counts.any():
            return frozenset()
        return frozenset(np.flatnonzero(counts == counts.max()).tolist())
