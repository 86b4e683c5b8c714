"""Reading Parquet."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from a2lc.foundation.errors import InputError, refuse
from a2lc.foundation.readers.text import REPLACE, check_regular

_MOST_ROWS = 100_000_000


def read_parquet(path: Path, columns: Mapping[str, str], remedy: str = REPLACE) -> pa.Table:
    """Read columns of a Parquet file.

    Args:
        path: The file.
        columns: {name: how its type is called in Arrow, up to a bracket}, for example "int64", "string" or
            "fixed_size_list"; with a "?" behind it values may be missing.
        remedy: What to do about a damaged one.

    Raises:
        InputError: When the file cannot be read, or a column is missing, of another type or has holes; all are listed.
    """
    check_regular(path)
    try:
        rows = pq.read_metadata(path).num_rows
        table = pq.read_table(path) if rows <= _MOST_ROWS else None
        if table is not None:
            table.validate(full=True)  # that texts are UTF-8, for example
    except (pa.ArrowException, OSError, MemoryError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read ({error}): {remedy}") from None
    if table is None:
        raise InputError(f"{path} claims to have {rows:,} rows: {remedy}")
    problems = [_problem(table, name, kind) for name, kind in columns.items()]
    refuse(f"{path} does not hold what was expected: {remedy}", [problem for problem in problems if problem])
    return table


def _problem(table: pa.Table, name: str, kind: str) -> str | None:
    if table.column_names.count(name) != 1:
        return f"the column '{name}' is missing or there twice"
    column = table[name]
    found = str(column.type).partition("[")[0].partition("<")[0]
    if found != kind.removesuffix("?"):
        return f"the column '{name}' holds {found}, expected {kind.removesuffix('?')}"
    if column.null_count and not kind.endswith("?"):
        return f"the column '{name}' lacks {column.null_count} values"
    return None
