"""Columns of what the questions so far have cost."""

from __future__ import annotations

from a2lc.evaluation.columns.column import Column, EffortColumn, MetricColumn
from a2lc.evaluation.columns.units import BITS, CLICKS, SECONDS
from a2lc.evaluation.cost import answer_seconds, as_classifications, as_corrections

CLICKS_SPENT = EffortColumn(
    name="clicks",
    unit=CLICKS,
    meaning="Questions so far, skipped ones included.",
    heading="clicks",
    line="clicks",
    axis="clicks",
    so_far="clicks",
    value=lambda finished: len(finished.asked),
)

EFFORT: tuple[Column, ...] = (
    CLICKS_SPENT,
    EffortColumn(
        name="bits",
        unit=BITS,
        meaning="What all questions so far cost as corrections (ALC, Theorem 3.1).",
        heading="bits",
        optional=True,
        axis="bits of the annotator's answers",
        so_far="bits",
        absent="they were measured before bits were counted, or with a single class: choose --against clicks",
        value=lambda finished: as_corrections(finished.asked, len(finished.classes)),
    ),
    MetricColumn(
        name="bits_classification",
        unit=BITS,
        meaning="What they had cost, had each asked for the class without showing one.",
        heading="bits if classified",
        optional=True,
        value=lambda finished: as_classifications(finished.asked, len(finished.classes)),
    ),
    EffortColumn(
        name="annotator_seconds",
        unit=SECONDS,
        meaning="What all answers so far took, of those whose time is known.",
        heading="annotator",
        optional=True,
        axis="seconds of the annotator",
        so_far="seconds of the annotator",
        absent="neither the simulated annotator nor a queue.csv records any: choose --against bits or clicks",
        value=lambda finished: answer_seconds(finished.asked),
    ),
)
