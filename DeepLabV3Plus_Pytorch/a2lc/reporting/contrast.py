"""Two results folders side by side: the same methods and rounds, and whether their difference is shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from a2lc.evaluation.columns import COLUMNS, QualityColumn
from a2lc.foundation.errors import InputError
from a2lc.reporting.markdown import markdown_table
from a2lc.reporting.tables import Results, methods_of, read_results, rounds_of, values_of

_COLUMNS = ("data_miou", "model_miou_best")
_UNDECIDED = "no difference shown"
_SINGLE = "single seed: no band"


@dataclass(frozen=True)
class Band:
    """Where the seeds of one method and round lie.

    Attributes:
        mean: Mean over the seeds.
        deviation: Standard deviation over the seeds (n - 1); None for a single one.
    """

    mean: float
    deviation: float | None

    @classmethod
    def of(cls, values: Sequence[float]) -> Band | None:
        """The band of the values of the seeds; None where there is none."""
        if not values:
            return None
        return cls(float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else None)


def verdict(a: Band, b: Band) -> str:
    """What two bands say: which side is higher, or that no difference is shown because mean ± deviation overlap.

    Example:
        >>> verdict(Band(0.50, 0.01), Band(0.60, 0.02))
        'B higher'
        >>> verdict(Band(0.50, 0.05), Band(0.52, 0.01))
        'no difference shown'
    """
    if a.mean == b.mean:
        return _UNDECIDED
    if a.deviation is None or b.deviation is None:
        return _SINGLE
    if abs(a.mean - b.mean) <= a.deviation + b.deviation:
        return _UNDECIDED
    return "B higher" if b.mean > a.mean else "A higher"


def contrast(a: Path, b: Path) -> str:
    """Compare two results folders, method by method and round by round.

    Methods of the same name are compared; where there is none and each side has a single method, these two are.

    Args:
        a: Results folder with `seed<k>.csv`.
        b: The other one; differences are B minus A.

    Returns:
        Markdown: a table for data mIoU and one for model mIoU, where both sides have numbers.

    Raises:
        InputError: When a folder holds no results, or there is nothing that both have.
    """
    sides = read_results(a), read_results(b)
    pairs = _pairs(*sides)
    parts = [
        f"A: {a} (seeds {_listed(sides[0])})\nB: {b} (seeds {_listed(sides[1])})",
        "Mean ± standard deviation over the seeds (n - 1). Where the bands overlap, no difference is shown; a single "
        "seed has no band, and its difference may be chance.",
        *_left_out(*sides, pairs),
    ]
    tables = [part for name in _COLUMNS for part in _table(*sides, pairs, COLUMNS[name])]
    if not tables:
        raise InputError(f"{a} and {b} have no round in common that was measured: compare runs with ground truth")
    return "\n\n".join([*parts, *tables]) + "\n"


def _listed(results: Results) -> str:
    return ", ".join(map(str, results))


def _pairs(a: Results, b: Results) -> list[tuple[str, str]]:
    """Which method of A is compared with which of B."""
    mine, theirs = methods_of(a), methods_of(b)
    common = [(method, method) for method in mine if method in theirs]
    if common:
        return common
    if len(mine) == len(theirs) == 1:
        return [(mine[0], theirs[0])]
    raise InputError(
        f"A has {', '.join(mine)} and B has {', '.join(theirs)}: compare results with a method in common, or with a "
        "single method each"
    )


def _left_out(a: Results, b: Results, pairs: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Methods that only one side has."""
    for side, results, place in (("A", a, 0), ("B", b, 1)):
        alone = [method for method in methods_of(results) if method not in {pair[place] for pair in pairs}]
        if alone:
            yield f"Only {side} has {', '.join(alone)}."


def _table(a: Results, b: Results, pairs: Sequence[tuple[str, str]], column: object) -> Iterator[str]:
    """Heading and table of a column; nothing where no round has numbers on both sides."""
    assert isinstance(column, QualityColumn)
    rows = [row for pair in pairs for row in _rows(a, b, pair, column)]
    if rows:
        yield f"## {column.unit.heading(column.title)}"
        yield markdown_table(["method", "round", "A", "B", "B − A", "verdict"], rows)


def _rows(a: Results, b: Results, pair: tuple[str, str], column: QualityColumn) -> Iterator[list[str]]:
    """A row for every round that both sides have a number of."""
    method = pair[0] if pair[0] == pair[1] else f"{pair[0]} → {pair[1]}"
    for index in rounds_of(a, pair[0]):
        bands = [Band.of(values_of(side, column.name, index, name)) for side, name in zip((a, b), pair, strict=True)]
        if bands[0] is None or bands[1] is None:
            continue
        difference = column.unit.scale * (bands[1].mean - bands[0].mean)
        name = str(index) if index else "init"
        cells = [_shown(column, bands[0]), _shown(column, bands[1]), f"{difference:+.{column.unit.digits}f}"]
        yield [method, name, *cells, verdict(bands[0], bands[1])]


def _shown(column: QualityColumn, band: Band) -> str:
    deviation = "–" if band.deviation is None else column.unit.show(band.deviation)
    return f"{column.unit.show(band.mean)} ± {deviation}"
