"""What a training step sees: images and their augmentation as functions of the keys and the step alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from a2lc.foundation.seeding import generator, seed_of
from a2lc.labels.base import LabelSource
from a2lc.segmentation.loading import check_labels
from a2lc.segmentation.transforms import VOID, Augmentation

Item = tuple[int, int]  # index of the image, seed of its augmentation


def batch_of_step(step: int, count: int, batch_size: int, keys: Sequence[int | str]) -> list[Item]:
    """Choose the images of a step: every epoch is a new permutation, of which an incomplete last batch is dropped.

    With fewer images than a batch holds, permutations follow each other without a gap.

    Args:
        step: Iteration, from 0.
        count: Number of training images.
        batch_size: Items to return.
        keys: Seed keys of the training.
    """
    epoch_length = count // batch_size * batch_size or count
    items = []
    for position in range(batch_size):
        epoch, offset = divmod(step * batch_size + position, epoch_length)
        if position == 0 or offset == 0:
            order = generator(*keys, "epoch", epoch).permutation(count)
        items.append((int(order[offset]), seed_of(*keys, "augment", step, position)))
    return items


@dataclass(frozen=True)
class TrainingSamples:
    """Loads and augments the items of a batch.

    Attributes:
        images: Image id → RGB (H, W, 3) uint8.
        labels: Label maps (H, W) uint8 of the same size.
        image_ids: What the indices of the items mean.
        num_classes: C; every label is below C or void.
        augment: What happens to image and labels.
        void: Label of pixels that belong to no class.
        verified: Image id → (H, W) bool, the pixels whose label was verified; None = nobody asks which.
    """

    images: Callable[[str], NDArray[np.uint8]]
    labels: LabelSource
    image_ids: Sequence[str]
    num_classes: int
    augment: Augmentation
    void: int = VOID
    verified: Callable[[str], NDArray[np.bool_]] | None = None

    def __call__(self, item: Item) -> tuple[Tensor, ...]:
        """Return image (3, h, w) uint8, labels (h, w) uint8 and, where it is asked for, which are verified, bool.

        Raises:
            InputError: When one cannot be read, or the two do not fit each other or the classes.
        """
        index, seed = item
        image_id = self.image_ids[index]
        image = self.images(image_id)
        labels = self.labels.labels(image_id)
        check_labels(image_id, image.shape[:2], labels, self.num_classes, self.void)
        if self.verified is None:
            return self.augment(image, labels, seed)
        return self.augment.with_verified(image, labels, self.verified(image_id), seed)
