"""A metric column as another package would add one: this module and nothing else."""

from __future__ import annotations

from a2lc.evaluation.columns import COLUMNS, MetricColumn
from a2lc.evaluation.columns.units import COUNT

IMAGES_ASKED = MetricColumn(
    name="images_asked",
    unit=COUNT,
    meaning="Images with a question so far.",
    heading="images asked",
    value=lambda finished: len({decision.image_id for decision in finished.asked}),
)

COLUMNS.register(IMAGES_ASKED.name, IMAGES_ASKED)
