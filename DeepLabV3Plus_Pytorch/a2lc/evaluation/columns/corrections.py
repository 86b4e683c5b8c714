"""Columns of what the annotator and the propagation did in a round."""

from __future__ import annotations

from collections.abc import Sequence

from a2lc.evaluation.columns.column import Column, MetricColumn, Value
from a2lc.evaluation.columns.finished import FinishedRound
from a2lc.evaluation.columns.units import COUNT, FRACTION, NATS


def _right_when_shown(finished: FinishedRound) -> Value:
    """ALC's p."""
    if not finished.answered:
        return None
    return 1 - len(finished.corrected) / len(finished.answered)


def _void_answers(finished: FinishedRound) -> Value:
    return sum(decision.label_after == finished.classes.void for decision in finished.corrected)


def _right_after(finished: FinishedRound) -> Value:
    return _share_right(finished, [decision.label_after for decision in finished.propagated])


def _right_before(finished: FinishedRound) -> Value:
    return _share_right(finished, [decision.label_before for decision in finished.propagated])


def _share_right(finished: FinishedRound, labels: Sequence[int | None]) -> Value:
    """Share of the propagated masks whose label, one of `labels` each, is a majority class of the mask's truth."""
    if finished.majority is None or not labels:
        return None
    true = finished.majority.of([decision.key for decision in finished.propagated])
    return sum(label in classes for label, classes in zip(labels, true, strict=True)) / len(labels)


CORRECTIONS: tuple[Column, ...] = (
    MetricColumn(
        name="p",
        unit=FRACTION,
        meaning="Share of the answered questions of the round whose shown label was right.",
        heading="p",
        value=_right_when_shown,
    ),
    MetricColumn(
        name="skipped",
        unit=COUNT,
        meaning="Questions of the round that were not answered.",
        value=lambda finished: len(finished.queried) - len(finished.answered),
    ),
    MetricColumn(
        name="annotator_changes",
        unit=COUNT,
        meaning="Labels that the annotator's answers changed in the round.",
        heading="annotator changes",
        value=lambda finished: len(finished.corrected),
    ),
    MetricColumn(
        name="void_answers",
        unit=COUNT,
        meaning="Answers of the round that a mask is void.",
        value=_void_answers,
    ),
    MetricColumn(
        name="propagated_changes",
        unit=COUNT,
        meaning="Masks to which LCM or the posterior gave another label in the round.",
        heading="propagated changes",
        formerly="lcm_changes",
        value=lambda finished: len(finished.propagated),
    ),
    MetricColumn(
        name="propagated_precision",
        unit=FRACTION,
        meaning="Share of the propagated changes after which the label is right.",
        heading="propagated precision",
        formerly="lcm_precision",
        value=_right_after,
    ),
    MetricColumn(
        name="propagated_right_before",
        unit=FRACTION,
        meaning="Share of the propagated changes before which the label was right already.",
        heading="right before",
        optional=True,
        formerly="lcm_right_before",
        value=_right_before,
    ),
    MetricColumn(
        name="class_imbalance",
        unit=NATS,
        meaning="KL divergence of the classes observed in the pool of the round from uniform over them.",
        value=lambda finished: finished.about.get("class_imbalance"),
    ),
)
