"""Results as tables: a CSV per seed with a row per method and round."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from pathlib import Path

from a2lc.evaluation.columns import EffortColumn, all_columns, current_names
from a2lc.evaluation.cost import Unit
from a2lc.foundation.errors import InputError
from a2lc.foundation.files import write_text
from a2lc.foundation.readers.text import read_text

Value = str | int | float | None
Row = Mapping[str, Value]
_REMEDY = "remove it and make the report again"
Results = Mapping[int, Sequence[Row]]  # seed → its rows


def write_seed_csv(path: Path, rows: Sequence[Row]) -> None:
    """Write the results of one seed atomically; columns stand in the order in which the rows first name them.

    Floats are written so that they read back exactly; None and nan are empty cells.

    Args:
        path: Target, `seed<k>.csv`.
        rows: One per method and round, each with at least `method` and `round`; the others are metric columns.
    """
    columns = list(dict.fromkeys(column for row in rows for column in row))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_to_cell(row.get(column)) for column in columns] for row in rows)
    write_text(path, text.getvalue())


def read_seed_csv(path: Path) -> list[dict[str, Value]]:
    """Read what `write_seed_csv` wrote: numbers as int or float, empty cells as None, `method` always as text.

    Columns of earlier versions come back under their present names.

    Raises:
        InputError: When the file is missing, is no table with the columns `method` and `round`, or has two rows for
            the same of both.
    """
    if not path.exists():
        raise InputError(f"{path} does not exist: run the experiment first")
    try:
        table = list(csv.DictReader(io.StringIO(read_text(path, _REMEDY), newline=""), restval=""))
    except csv.Error as error:
        raise InputError(f"{path} is no table ({error}): {_REMEDY}") from None
    for number, cells in enumerate(table, start=2):
        if not {"method", "round"} <= cells.keys() or None in cells:
            raise InputError(f"{path}, line {number}: expected the columns method and round and a heading per cell")
    rows = [current_names({column: _from_cell(column, cell) for column, cell in cells.items()}) for cells in table]
    seen: set[tuple[Value, Value]] = set()
    for row in rows:
        key = row["method"], row["round"]
        if key in seen:
            raise InputError(f"{path} has two rows for method {key[0]}, round {key[1]}: remove one")
        seen.add(key)
    return rows


def read_results(folder: Path) -> dict[int, list[dict[str, Value]]]:
    """Read every `seed<k>.csv` of a results folder, by seed in ascending order.

    Raises:
        InputError: When there is none or one cannot be read.
    """
    names = ((re.fullmatch(r"seed(\d+)\.csv", path.name), path) for path in folder.glob("seed*.csv"))
    files = {int(found[1]): path for found, path in names if found}
    if not files:
        raise InputError(f"{folder} holds no seed<k>.csv: run the experiment first")
    return {seed: read_seed_csv(files[seed]) for seed in sorted(files)}


def effort_column(results: Results, against: Unit) -> EffortColumn:
    """The column that counts the effort of the annotator in a unit.

    Raises:
        InputError: When no round after round 0 has a value in it; clicks are taken as they are.
    """
    efforts = {column.unit.name: column for column in all_columns() if isinstance(column, EffortColumn)}
    column = efforts[against]
    if column.absent and not is_known(results, column.name):
        raise InputError(f"no round of the results has {against} of an annotator: {column.absent}")
    return column


def is_known(results: Results, column: str) -> bool:
    """Whether any round after round 0 has a value in a column: no queries cost nothing, recorded or not."""
    return any(row["round"] and row.get(column) is not None for rows in results.values() for row in rows)


def methods_of(results: Results) -> list[str]:
    """The methods in the order in which the tables name them."""
    return list(dict.fromkeys(str(row["method"]) for rows in results.values() for row in rows))


def rounds_of(results: Results, method: str | None = None) -> list[int]:
    """The rounds that occur, ascending; those of one method, or of all."""
    chosen = {row["round"] for rows in results.values() for row in rows if method in (None, row["method"])}
    return sorted(int(value) for value in chosen if value is not None)


def values_of(results: Results, column: str, round_index: int, method: str | None = None) -> list[float]:
    """One number per seed that has it (and per method where none is given)."""
    found = (
        row.get(column)
        for rows in results.values()
        for row in rows
        if row["round"] == round_index and method in (None, row["method"])
    )
    return [float(value) for value in found if value is not None]


def _to_cell(value: Value) -> str:
    """A value as CSV, from which `_from_cell` makes the same again; nan is not known."""
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, Integral):
        return str(int(value))
    if isinstance(value, Real):
        return "" if math.isnan(value) else repr(float(value))
    raise TypeError(f"a cell holds text, a number or None, got {type(value).__name__}")


def _from_cell(column: str, cell: str) -> Value:
    """A cell as int, else as float, else as text; methods are text, whatever they are called."""
    if column == "method" or not cell:
        return cell or None
    for number in (int, float):
        try:
            return number(cell)
        except ValueError:
            continue
    return cell
