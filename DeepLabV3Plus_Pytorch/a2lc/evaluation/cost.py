"""What annotation costs: the bits of classification queries and of correction queries, by ALC's cost model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:  # the command line reads UNITS, and must start without SQL
    from a2lc.labels.ledger import Decision

Unit = Literal["clicks", "bits", "seconds"]  # what the effort of an annotator can be counted in
UNITS: tuple[Unit, ...] = get_args(Unit)


def classification_bits(num_classes: int) -> float:
    """Bits of a query that asks for the class of a region without showing a label: C_cls = log2 L.

    Source: ALC (Kim et al., ICML 2024), Theorem 3.1.

    Args:
        num_classes: L, at least 2.

    Raises:
        ValueError: When L < 2: there is nothing to choose.
    """
    if num_classes < 2:
        raise ValueError(f"num_classes must be at least 2 for a query to have a cost, got {num_classes}")
    return math.log2(num_classes)


def correction_bits(p: float, num_classes: int) -> float:
    """Expected bits of a query that shows a label and asks for the right one if it is wrong.

    C_cor = p · 1 + (1 - p) · log2 L: a right label costs its confirmation, a wrong one the choice among all classes.
    The model charges no yes/no bit where the label is wrong; an annotator who says "no" before naming the class would
    pay 1 - p more.

    Source: ALC (Kim et al., ICML 2024), Theorem 3.1.

    Args:
        p: Share of the queries whose shown label is right, in [0, 1]; measured on the queries that are asked, since a
            good acquisition asks about wrong labels and so lowers it.
        num_classes: L, at least 2.

    Raises:
        ValueError: When p is outside [0, 1] or L < 2.
    """
    _check_share(p)
    return p + (1 - p) * classification_bits(num_classes)


def saving(p: float, num_classes: int) -> float:
    """Share of the bits that correction saves over classification: (1 - 1 / log2 L) · p = 1 - C_cor / C_cls.

    Source: ALC (Kim et al., ICML 2024), Theorem 3.1.

    Args:
        p: Share of the queries whose shown label is right, in [0, 1].
        num_classes: L, at least 2; with 2 classes nothing is saved.

    Returns:
        In [0, 1).

    Raises:
        ValueError: When p is outside [0, 1] or L < 2.
    """
    _check_share(p)
    return (1 - 1 / classification_bits(num_classes)) * p


def as_corrections(asked: Sequence[Decision], num_classes: int) -> float | None:
    """Bits of queries by ALC's cost model, charged one by one.

    A query whose label was right costs the bit of a yes, one whose label was wrong the choice of a class. A skipped
    query was read too: one bit. "Right" is what it is in the column p: answered and not relabelled.

    Args:
        asked: Queries with their answers.
        num_classes: L.

    Returns:
        None for a single class: it leaves nothing to choose.
    """
    if num_classes < 2:
        return None
    wrong = sum(decision.relabelled for decision in asked)
    confirmed = len(asked) - wrong
    return confirmed * correction_bits(1, num_classes) + wrong * correction_bits(0, num_classes)


def as_classifications(asked: Sequence[Decision], num_classes: int) -> float | None:
    """Bits that the same queries had cost, had every one asked for the class; None for a single class."""
    return len(asked) * classification_bits(num_classes) if num_classes > 1 else None


def answer_seconds(asked: Sequence[Decision]) -> float | None:
    """Seconds of the annotator over those queries whose seconds are known; None where none are, 0 for no query."""
    seconds = [decision.seconds for decision in asked if decision.seconds is not None]
    return math.fsum(seconds) if seconds or not asked else None


def _check_share(p: float) -> None:
    if not 0 <= p <= 1:
        raise ValueError(f"p must be a share in [0, 1], got {p}")
