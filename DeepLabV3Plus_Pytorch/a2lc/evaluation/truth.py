"""What the ground truth says about single masks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from a2lc.foundation.errors import InputError
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
        """The classes of masks, in the order given; every image is read and counted once, however many are asked for.

        Raises:
            InputError: When the ground truth of an image is not of the size of its mask map.
        """
        missing: dict[str, list[int]] = defaultdict(list)
        for image_id, mask_id in dict.fromkeys(keys):
            if (image_id, mask_id) not in self._known:
                missing[image_id].append(mask_id)
        for image_id, mask_ids in missing.items():
            counts = self._count(image_id, mask_ids)
            self._known.update(
                ((image_id, mask_id), _most_frequent(row)) for mask_id, row in zip(mask_ids, counts, strict=True)
            )
        return [self._known[key] for key in keys]

    def _count(self, image_id: str, mask_ids: list[int]) -> NDArray[np.int64]:
        """(K, C) pixels of each true class under K masks of an image, void left out; one pass over its pixels."""
        true = self.truth.labels(image_id)  # (H, W)
        masks = self.masks(image_id)  # (H, W)
        if true.shape != masks.shape:
            raise InputError(
                f"the ground truth of '{image_id}' is {true.shape} but its mask map is {masks.shape}: they must agree"
            )
        size = self.num_classes + 1  # void last
        highest = max(int(masks.max(initial=0)), max(mask_ids))
        place = np.zeros(highest + 1, dtype=np.int64)  # mask id → 1..K, 0 = not asked for
        place[mask_ids] = np.arange(1, len(mask_ids) + 1)
        codes = place[masks] * size + np.minimum(true, self.num_classes)  # (H, W) mask and class in one number
        counts = np.bincount(codes.ravel(), minlength=(len(mask_ids) + 1) * size)
        return counts.reshape(-1, size)[1:, :-1]


def _most_frequent(counts: NDArray[np.int64]) -> frozenset[int]:
    """The classes with the most of some pixels, counted by class (C,); none where there are no pixels."""
    most = counts.max(initial=0)
    return frozenset(np.flatnonzero(counts == most).tolist()) if most else frozenset()
