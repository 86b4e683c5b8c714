"""Pieces of Markdown that the summaries share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from a2lc.evaluation.columns.units import Unit


def spread(unit: Unit, values: Sequence[float], seeds: int) -> str:
    """Mean ± standard deviation (n - 1), and of how many seeds where some have no value.

    Args:
        unit: What the values are in.
        values: One for each seed that has it.
        seeds: How many seeds there are.

    Example:
        >>> spread(FRACTION, [0.5, 0.6], seeds=3)
        '55.00 ± 7.07 (n=2)'
    """
    if not values:
        return "–"
    deviation = unit.show(float(np.std(values, ddof=1))) if len(values) > 1 else "–"
    missing = f" (n={len(values)})" if len(values) < seeds else ""
    return f"{unit.show(float(np.mean(values)))} ± {deviation}{missing}"


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose first column is text, to the left, and whose others are numbers, to the right."""
    rule = [":--", *["--:"] * (len(header) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (header, rule, *rows))
