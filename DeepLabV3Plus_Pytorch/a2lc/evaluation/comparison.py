"""Label maps against ground truth, image by image."""

from __future__ import annotations

from collections.abc import Sequence

from a2lc.evaluation.metrics import ConfusionMatrix
from a2lc.foundation.bars import bar
from a2lc.foundation.errors import InputError
from a2lc.labels.base import LabelSource


def compare_labels(
    labels: LabelSource, truth: LabelSource, image_ids: Sequence[str], num_classes: int
) -> ConfusionMatrix:
    """Confusion matrix of labels against ground truth, image by image.

    Raises:
        InputError: When the sizes of an image's two maps differ; the message names the image.
    """
    confusion = ConfusionMatrix(num_classes)
    for image_id in bar(image_ids, "evaluate", leave=False):
        true = truth.labels(image_id)  # (H, W)
        given = labels.labels(image_id)  # (H, W)
        if true.shape != given.shape:
            raise InputError(
                f"the ground truth of '{image_id}' is {true.shape} but its label map is {given.shape}: they must agree"
            )
        confusion.update(true, given)
    return confusion
