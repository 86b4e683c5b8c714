"""Reading tables in text: CSV as people and their spreadsheets write it, and lists of a name a line.

A cell that begins with = + - or @ is a formula to a spreadsheet, and may run a program there; `cell` puts an apostrophe
before it, and the reader takes it off again.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from a2lc.foundation.errors import InputError, refuse
from a2lc.foundation.readers.text import REPLACE, read_text

_MOST_BYTES = 256 * 2**20
_LONGEST_CELL = 100_000  # characters; the module csv stops at 131,072
_FORMULA = re.compile(r"'*[=+\-@]")


def cell(text: str) -> str:
    """A text as it is written into a CSV: as itself, or with an apostrophe before what would be a formula.

    Example:
        >>> cell("=SUM(A1)"), cell("photo")
        ("'=SUM(A1)", 'photo')
    """
    return f"'{text}" if _FORMULA.match(text) else text


def _uncell(text: str) -> str:
    """What `cell` was given."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


@dataclass(frozen=True)
class CsvRow:
    """A row of a CSV.

    Attributes:
        line: Number of its last line in the file, from 1.
        cells: Content by column; every column is there.
    """

    line: int
    cells: dict[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells[column]


def read_csv(path: Path, columns: Collection[str], remedy: str = REPLACE) -> list[CsvRow]:
    """Read a CSV with a line of headings; commas, semicolons and tabs separate, as spreadsheets write them.

    Empty lines are passed over, short ones are filled up.

    Args:
        path: The file.
        columns: Those that it must have; it may have more.
        remedy: What to do about a damaged one.

    Raises:
        InputError: When the file cannot be read, lacks a column or has it twice, or a row has more cells than there are
            headings or a cell of more than 100,000 characters; all are listed.
    """
    text = read_text(path, remedy, _MOST_BYTES)
    header = text.splitlines()[0] if text.strip() else ""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=header.count))
    try:
        headings = [name.strip() for name in next(reader, [])]
        _check_headings(path, headings, columns, remedy)
        rows, problems = [], []
        for cells in reader:
            told = _row_problem(cells, len(headings))
            if told:
                problems.append(f"line {reader.line_num}: {told}")
            elif cells:
                filled = [_uncell(text) for text in cells] + [""] * (len(headings) - len(cells))
                rows.append(CsvRow(reader.line_num, dict(zip(headings, filled, strict=False))))
    except csv.Error as error:
        raise InputError(f"{path}, line {reader.line_num}: {error}: {remedy}") from None
    refuse(f"{path} has lines that cannot be read: {remedy}", problems)
    return rows


def _check_headings(path: Path, headings: list[str], columns: Collection[str], remedy: str) -> None:
    problems = [f"the column '{name}' is missing" for name in columns if name not in headings]
    problems += [
        f"the column '{name}' stands {headings.count(name)} times" for name in columns if headings.count(name) > 1
    ]
    refuse(f"{path} is no such table: {remedy}", problems)


def _row_problem(cells: list[str], width: int) -> str | None:
    if any(cells[width:]):
        return f"{len(cells)} cells under {width} headings: put a text that holds a comma in quotes"
    if any(len(text) > _LONGEST_CELL for text in cells):
        return f"a cell has more than {_LONGEST_CELL:,} characters"
    return None


def read_lines(path: Path, remedy: str = REPLACE) -> Iterator[tuple[int, str]]:
    """The lines of a text with their numbers, from 1; only a line feed ends a line, with or without carriage return.

    Raises:
        InputError: When the file cannot be read.
    """
    for number, line in enumerate(read_text(path, remedy, _MOST_BYTES).split("\n"), start=1):
        yield number, line.removesuffix("\r")


def repeated(names: Collection[str]) -> list[str]:
    """The names that stand more than once, each once, in linear time."""
    return [name for name, times in Counter(names).items() if times > 1]
