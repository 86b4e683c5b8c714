"""What a person should look at before going on: signs in the numbers of a round that something went wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from a2lc.acquisition.table import MaskTable
from a2lc.classes import ClassSet
from a2lc.evaluation.columns import Value
from a2lc.labels.ledger import Decision

_FEW = 20  # masks or answers below which a share says little
_FEW_CHANGES = 10
_NEARLY_ALL = 0.9
_NEARLY_NONE = 0.02


def doubts(metrics: Mapping[str, Value]) -> Iterator[str]:
    """What the metrics of a round give reason to doubt, a sentence each.

    Example:
        >>> list(doubts({"propagated_changes": 50, "propagated_precision": 0.2}))
        ['of 50 propagated changes 20 % are right: propagation does harm here, propagation=none leaves it out']
    """
    changes = metrics.get("propagated_changes") or 0
    precision = metrics.get("propagated_precision")
    if changes >= _FEW_CHANGES and precision is not None and precision < 0.5:
        yield (
            f"of {changes:,} propagated changes {precision:.0%} are right: propagation does harm here, "
            "propagation=none leaves it out"
        ).replace("%", " %")
    right = metrics.get("p")
    if right is not None and right <= _NEARLY_NONE and (metrics.get("annotator_changes") or 0) >= _FEW:
        yield (
            "hardly any label that was asked about was right: if that is no wonder of the selection, look whether the "
            "classes of the labels stand in the order of the data set's"
        )


def collapse(table: MaskTable, decisions: Sequence[Decision], classes: ClassSet) -> str | None:
    """Whether one class has taken nearly all masks in a round, which it had not before; None = no.

    Args:
        table: The round's table, with the label of each mask before the round.
        decisions: What was decided in the round.
        classes: The classes; masks that are void do not count.
    """
    if not table.of_masks:
        return None
    before = table.scores.label.astype(np.int64)  # (M,)
    row = {key: index for index, key in enumerate(table.keys())}
    after = before.copy()
    for decision in decisions:
        if decision.relabelled and decision.label_after is not None and decision.key in row:
            after[row[decision.key]] = decision.label_after
    label, share = _largest(after, classes)
    earlier = _share_of(before, classes, label)
    if share < _NEARLY_ALL or earlier >= _NEARLY_ALL:
        return None
    return (
        f"{share:.0%} of the masks are now {classes.name_of(label)}, {earlier:.0%} were: the "
        "labels have collapsed, more answers or propagation=none may help"
    ).replace("%", " %")


def _largest(labels: NDArray[np.int64], classes: ClassSet) -> tuple[int, float]:
    """The class with the most masks and its share of those that have one; 0 where there are few."""
    counts = np.bincount(labels[labels != classes.void], minlength=len(classes))
    total = int(counts.sum())
    largest = int(counts.argmax())
    return largest, float(counts[largest] / total) if total >= _FEW else 0.0


def _share_of(labels: NDArray[np.int64], classes: ClassSet, label: int) -> float:
    """The share of a class among the masks that have one; 0 where there is none."""
    valid = labels[labels != classes.void]
    return float((valid == label).mean()) if len(valid) else 0.0
