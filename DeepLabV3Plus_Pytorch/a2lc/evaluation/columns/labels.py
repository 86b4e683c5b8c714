"""Columns of how good the labels of a round are, against ground truth on the training images."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from a2lc.evaluation.columns.column import Column, MetricColumn, QualityColumn, Value
from a2lc.evaluation.columns.finished import FinishedRound
from a2lc.evaluation.columns.units import FRACTION

if TYPE_CHECKING:
    from a2lc.evaluation.metrics import SegmentationMetrics


def _read(metric: Callable[[SegmentationMetrics], float]) -> Callable[[FinishedRound], Value]:
    """The value of a column that is one of the metrics of the labels; None where there is no ground truth."""

    def value(finished: FinishedRound) -> Value:
        return None if finished.labels is None else metric(finished.labels)

    return value


DATA_MIOU = QualityColumn(
    name="data_miou",
    unit=FRACTION,
    meaning="The labels of a round against ground truth, on the training images.",
    line="data mIoU",
    title="Data mIoU",
    panel=("Data mIoU", "labels of the training images"),
    value=_read(lambda labels: labels.mean_iou),
)

DATA_MIOU_STRICT = QualityColumn(
    name="data_miou_strict",
    unit=FRACTION,
    meaning="The same labels, but pixels without a label are misses of their class instead of being left out.",
    title="Data mIoU, unlabelled pixels counted as wrong",
    variant_of=DATA_MIOU.name,
    value=_read(lambda labels: labels.mean_iou_strict),
)
DATA_UNLABELLED = MetricColumn(
    name="data_unlabelled",
    unit=FRACTION,
    meaning="Share of the pixels with ground truth that have no label.",
    value=_read(lambda labels: labels.unlabelled / max(labels.pixels, 1)),
)

LABELS: tuple[Column, ...] = (
    DATA_MIOU,
    QualityColumn(
        name="data_miou_present",
        unit=FRACTION,
        meaning="The mean over the classes that occur in the ground truth only: of use on a subset of a data set on "
        "which some classes never occur.",
        title="Data mIoU over present classes",
        variant_of=DATA_MIOU.name,
        value=_read(lambda labels: labels.mean_iou_present),
    ),
    DATA_MIOU_STRICT,
    MetricColumn(
        name="data_accuracy",
        unit=FRACTION,
        meaning="Share of the labelled pixels whose label is right.",
        value=_read(lambda labels: labels.accuracy),
    ),
    MetricColumn(
        name="data_mean_accuracy",
        unit=FRACTION,
        meaning="Mean over the classes of the share of their labelled pixels whose label is right.",
        value=_read(lambda labels: labels.mean_class_accuracy),
    ),
    MetricColumn(
        name="data_fw_accuracy",
        unit=FRACTION,
        meaning="IoU of the labels, every class weighted by its share of the ground truth.",
        value=_read(lambda labels: labels.frequency_weighted_accuracy),
    ),
    DATA_UNLABELLED,
)
