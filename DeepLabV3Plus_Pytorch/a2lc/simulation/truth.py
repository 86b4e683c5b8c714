"""What the ground truth says about masks, counted once; the simulated annotator and the evaluation read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from a2lc.classes import ClassSet
from a2lc.evaluation.metrics import ConfusionMatrix
from a2lc.foundation.bars import bar
from a2lc.foundation.errors import InputError
from a2lc.foundation.seeding import generator
from a2lc.labels.base import LabelSource
from a2lc.labels.store import PseudoLabelSet
from a2lc.posterior import MaskPool, describe_masks

IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class MaskTruth:
    """Ground truth of M masks in I images; index C is void.

    Attributes:
        pixels: (M, C + 1) int64, pixels of each true class under each mask.
        unmasked: (I, C, C + 1) int64, pixels under no mask by true class and label.
    """

    pixels: IntArray
    unmasked: IntArray

    @property
    def majority(self) -> IntArray:
        """(M,) most frequent true class of each mask, void included (ties: smallest index)."""
        return self.pixels.argmax(axis=1)

    def confusion(self, label: IntArray) -> ConfusionMatrix:
        """Confusion matrix of labels (M,), every mask being of one label."""
        classes = self.pixels.shape[1] - 1
        table = self.unmasked.sum(axis=0)
        for assigned in np.unique(label):
            table[:, assigned] += self.pixels[label == assigned, :classes].sum(axis=0)
        return ConfusionMatrix.from_table(table)

    def subset(self, pool: MaskPool, images: Sequence[int]) -> MaskTruth:
        """The truth of `pool.subset(images)`."""
        return MaskTruth(self.pixels[np.isin(pool.image, images)], self.unmasked[list(images)])


@dataclass(frozen=True)
class SimulatedAnswers:
    """Answers with the majority class; where void has the majority, the shown label is confirmed.

    Attributes:
        truth: Ground truth of the masks.
        error_rate: Share of wrong answers; a wrong one is any other class.
        seed: Decides which are wrong: a function of seed, mask and how often it was asked about.
    """

    truth: MaskTruth
    error_rate: float
    seed: int

    def __call__(self, masks: IntArray, shown: IntArray, asked: IntArray) -> IntArray:
        """Answer about masks (K,) that are shown with labels (K,) and were asked about so many times before (K,)."""
        classes = self.truth.pixels.shape[1] - 1
        answer = self.truth.majority[masks]
        answer = np.where(answer == classes, shown, answer)
        if not self.error_rate:
            return answer
        for time in np.unique(asked):
            random = generator("wrong answers", self.seed, int(time))
            wrong = random.random(len(self.truth.pixels)) < self.error_rate
            step = random.integers(1, classes, len(wrong))
            chosen = (asked == time) & wrong[masks]
            answer = np.where(chosen, (answer + step[masks]) % classes, answer)
        return answer


def read_masks(
    pseudo_labels: PseudoLabelSet, truth: LabelSource, image_ids: Sequence[str], classes: ClassSet
) -> tuple[MaskPool, MaskTruth]:
    """Read labels, masks and ground truth of every image once.

    Raises:
        InputError: When a map is missing, maps differ in size, or a mask holds several labels.
    """
    count = len(classes)
    described = []
    pixels = []  # of each image (M, C + 1), by mask and true class
    unmasked = []  # of each image (C, C + 1), by true class and label
    for image_id in bar(image_ids, "masks", leave=False):
        labels = pseudo_labels.labels(image_id)  # (H, W), as the others
        masks = pseudo_labels.masks(image_id)
        true = truth.labels(image_id)
        if not labels.shape == masks.shape == true.shape:
            raise InputError(
                f"'{image_id}': labels are {labels.shape}, masks {masks.shape} and ground truth {true.shape}: "
                "they must agree"
            )
        of_image = describe_masks(labels, masks, count)
        described.append((image_id, of_image))
        # void becomes index C: (M + 1, C + 1, C + 1)
        joint = _joint_counts(np.minimum(labels, count), masks, np.minimum(true, count), of_image.mask_id, count + 1)
        if (joint[1:].sum(axis=2) > 0).sum(axis=1).max(initial=0) > 1:
            raise InputError(f"'{image_id}' has a mask with several labels: a simulation needs one label per mask")
        pixels.append(joint[1:].sum(axis=1))
        unmasked.append(joint[0].T[:count])
    background = 0 if classes.unmasked == "background" else None
    pool = MaskPool.collect(described, count, background)
    return pool, MaskTruth(np.concatenate(pixels), np.array(unmasked))


def _joint_counts(
    labels: NDArray[np.uint8], masks: NDArray[np.integer], true: NDArray[np.uint8], mask_id: IntArray, size: int
) -> IntArray:
    """(M + 1, size, size) pixels by mask (first: none), label and true class."""
    # (largest id + 1,) the row of each mask; 0 for what lies under none
    position = np.zeros(int(masks.max(initial=0)) + 1, dtype=np.int32)
    position[mask_id] = np.arange(1, len(mask_id) + 1)
    codes = (position[masks] * size + labels) * size + true
    counts: IntArray = np.bincount(codes.ravel(), minlength=(len(mask_id) + 1) * size * size)
    return counts.reshape(-1, size, size)
