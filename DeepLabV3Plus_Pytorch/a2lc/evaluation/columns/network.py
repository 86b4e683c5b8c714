"""Columns of how good the network of a round is."""

from __future__ import annotations

from a2lc.evaluation.columns.column import Column, QualityColumn
from a2lc.evaluation.columns.units import FRACTION

NETWORK: tuple[Column, ...] = (
    QualityColumn(
        name="model_miou_best",
        unit=FRACTION,
        meaning="The network on the validation images, at the best of its validations: what the papers report.",
        line="model mIoU (best)",
        title="Model mIoU, best checkpoint",
        panel=("Model mIoU", "network on the validation images, best checkpoint"),
        value=lambda finished: finished.training["best_mean_iou"],
    ),
    QualityColumn(
        name="model_miou_last",
        unit=FRACTION,
        meaning="The network on the validation images, at the end of training.",
        title="Model mIoU, last checkpoint",
        value=lambda finished: finished.training["last_mean_iou"],
    ),
)
