"""Columns of how long the stages of a round took."""

from __future__ import annotations

from a2lc.evaluation.columns.column import Column, MetricColumn, Value
from a2lc.evaluation.columns.finished import FinishedRound
from a2lc.evaluation.columns.units import SECONDS


def _column(stage: str) -> MetricColumn:
    def seconds(finished: FinishedRound) -> Value:
        return finished.seconds.get(stage)

    return MetricColumn(
        name=f"seconds_{stage}",
        unit=SECONDS,
        meaning=f"Wall clock of the stage '{stage}' of the round.",
        heading=stage,
        value=seconds,
    )


STAGES: tuple[Column, ...] = tuple(_column(stage) for stage in ("train", "score", "annotate", "propagate", "evaluate"))
