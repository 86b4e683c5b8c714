"""Columns with a number for each class."""

from __future__ import annotations

from collections.abc import Sequence

from a2lc.evaluation.columns.column import ClassColumn, Column, Value
from a2lc.evaluation.columns.finished import FinishedRound
from a2lc.evaluation.columns.units import FRACTION


def _class_iou(finished: FinishedRound) -> Sequence[Value] | None:
    return None if finished.labels is None else finished.labels.class_iou


CLASSES: tuple[Column, ...] = (
    ClassColumn(
        name="iou",
        unit=FRACTION,
        meaning="IoU of the labels with the ground truth of this class; empty for a class that occurs in neither.",
        values=_class_iou,
    ),
)
