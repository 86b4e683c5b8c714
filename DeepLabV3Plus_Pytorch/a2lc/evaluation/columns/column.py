"""What a metric column is, and the registry of all of them."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from a2lc.evaluation.columns.finished import FinishedRound
from a2lc.evaluation.columns.units import Unit
from a2lc.foundation.registry import Registry

Value = int | float | None  # None = not known


@dataclass(frozen=True, kw_only=True)
class Column(ABC):
    """One idea of what to measure of a finished round.

    Attributes:
        name: In metrics.json and seed<k>.csv.
        unit: Of its numbers.
        meaning: A sentence.
        heading: In the table "Rounds" of the summary, without the unit; "" = not shown there.
        optional: Whether it is left out of that table where no round after round 0 has a number.
        line: What the line about a finished round in the log calls it; "" = not told there.
        formerly: Its name in tables of earlier versions, which are still read; "" = the same.
    """

    name: str
    unit: Unit
    meaning: str
    heading: str = ""
    optional: bool = False
    line: str = ""
    formerly: str = ""

    def __post_init__(self) -> None:
        if not self.name.isidentifier():
            raise ValueError(f"a column's name must be letters, digits and underscores, not '{self.name}'")
        if not self.meaning.endswith("."):
            raise ValueError(f"the meaning of the column {self.name} must be a sentence with a full stop")

    @abstractmethod
    def cells(self, finished: FinishedRound) -> Mapping[str, Value]:
        """Its numbers of a round, by the heading of the CSV."""


@dataclass(frozen=True, kw_only=True)
class MetricColumn(Column):
    """One number per round.

    Attributes:
        value: The number of a finished round; None or nan = not known.

    Example:
        >>> from a2lc.evaluation.columns.units import COUNT
        >>> column = MetricColumn(
        ...     name="images_asked", unit=COUNT, meaning="Images with a question.", heading="images asked",
        ...     value=lambda finished: len({decision.image_id for decision in finished.asked}),
        ... )
        >>> COLUMNS.register(column.name, column)  # doctest: +SKIP
    """

    value: Callable[[FinishedRound], Value]

    def cells(self, finished: FinishedRound) -> Mapping[str, Value]:
        """The number under the column's name."""
        return {self.name: _known(self.value(finished))}


@dataclass(frozen=True, kw_only=True)
class QualityColumn(MetricColumn):
    """How good labels or a network are; a table of its own in the summary.

    Attributes:
        title: Of the table.
        panel: Title and subtitle of its panel in the figure; None = not drawn.
        variant_of: The column that it must differ from somewhere to be worth a table; "" = always shown.
    """

    title: str
    panel: tuple[str, str] | None = None
    variant_of: str = ""


@dataclass(frozen=True, kw_only=True)
class EffortColumn(MetricColumn):
    """What the annotator has done so far, counted in its unit; tables and figures can go by it.

    Attributes:
        axis: What the axis of a figure says.
        so_far: What the summary says is counted.
        absent: Why a table may have no number; "" = every table has them.
    """

    axis: str
    so_far: str
    absent: str = ""


@dataclass(frozen=True, kw_only=True)
class ClassColumn(Column):
    """One number per class and round, in the CSV columns `<name>_<class>`.

    Attributes:
        values: The (C,) numbers of a finished round; None = not known.
    """

    values: Callable[[FinishedRound], Sequence[Value] | None]

    def cells(self, finished: FinishedRound) -> Mapping[str, Value]:
        """The numbers in the order of the classes."""
        names = finished.classes.names
        values = self.values(finished) or [None] * len(names)
        return {f"{self.name}_{name}": _known(value) for name, value in zip(names, values, strict=True)}


COLUMNS: Registry[Column] = Registry("columns")


def all_columns() -> list[Column]:
    """Every registered column, in the order of the tables."""
    return [COLUMNS[name] for name in COLUMNS.names()]


def measure(finished: FinishedRound, columns: Iterable[Column] | None = None) -> dict[str, Value]:
    """The numbers of a finished round by CSV column; of all columns, or of those given."""
    chosen = all_columns() if columns is None else columns
    return {name: value for column in chosen for name, value in column.cells(finished).items()}


def current_names(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of a table of this or an earlier version, under the names of this one."""
    names = {column.formerly: column.name for column in all_columns() if column.formerly}
    return {names.get(name, name): value for name, value in row.items()}


def describe_columns() -> str:
    """A Markdown table of all columns: name, unit, meaning."""
    lines = ["| column | unit | meaning |", "| :-- | :-- | :-- |"]
    for column in all_columns():
        name = f"{column.name}_<class>" if isinstance(column, ClassColumn) else column.name
        lines.append(f"| `{name}` | {column.unit.name} | {column.meaning} |")
    return "\n".join(lines)


def _known(value: Value) -> Value:
    """None in place of nan."""
    return None if isinstance(value, float) and math.isnan(value) else value
