"""Reading tables in text: CSV as people and their spreadsheets write it, and lists of a name a line.

A cell that begins with = + - or @ is a formula to a spreadsheet, and may run a program there; one such as 007, 1e5 or
2019-03-01 comes back as another number or as a date. `cell` puts an apostrophe before both, the reader takes it off.
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
_WORD = re.compile(r"[^\W\d]+")  # with '_', which no number or date holds
_MONTHS = """jan feb mar apr may jun jul aug sep sept oct nov dec
january february march april june july august september october november december"""
_DATE_WORDS = frozenset((*_MONTHS.split(), "am", "pm", "a", "p", "e", "t", "z", "st", "nd", "rd", "th"))
_SEPARATOR = re.compile(r'"?sep=(.)"?[ ,;\t]*', re.IGNORECASE)  # the first line by which a spreadsheet is told


def cell(text: str) -> str:
    """A text as it is written into a CSV: as itself, or with an apostrophe before what a spreadsheet would change.

    Example:
        >>> cell("=SUM(A1)"), cell("007"), cell("photo")
        ("'=SUM(A1)", "'007", 'photo')
    """
    return f"'{text}" if _FORMULA.match(text) or could_change(text.lstrip("'")) else text


def _uncell(text: str) -> str:
    """What `cell` was given."""
    changed = _FORMULA.match(text) or could_change(text.lstrip("'"))
    return text[1:] if text.startswith("'") and changed else text


def could_change(text: str) -> bool:
    """Whether a spreadsheet may take a text for a number, a date, a time or a truth value, and save it as another.

    Example:
        >>> could_change("1e5"), could_change("3 March"), could_change("0016E5_07959")
        (True, True, False)
    """
    plain = text.strip().casefold()
    if plain in ("true", "false"):
        return True
    return any(character.isdigit() for character in plain) and _DATE_WORDS.issuperset(_WORD.findall(plain))


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
    """Read a CSV with a line of headings, as spreadsheets write them: UTF-8 or UTF-16, commas, semicolons or tabs
    between the cells, or what a first line such as "sep=;" says.

    Rows of empty cells are passed over, short ones are filled up, empty cells beyond the headings left out.

    Args:
        path: The file.
        columns: Those that it must have; it may have more.
        remedy: What to do about a damaged one.

    Raises:
        InputError: When the file cannot be read, lacks a column or has it twice, or a row has more cells than there are
            headings or a cell of more than 100,000 characters; all are listed.
    """
    text = read_text(path, remedy, _MOST_BYTES, utf16=True)
    header = next((line for line in text.split("\n") if line.strip(" ,;\t")), "")
    said = _SEPARATOR.fullmatch(header)
    delimiter = said[1] if said else max(",;\t", key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        filled_rows = (cells for cells in reader if any(text.strip() for text in cells))
        if said:
            next(filled_rows)
        headings = [name.strip() for name in next(filled_rows, [])]
        _check_headings(path, headings, columns, remedy)
        rows, problems = [], []
        for cells in filled_rows:
            told = _row_problem(cells, len(headings))
            if told:
                problems.append(f"line {reader.line_num}: {told}")
            else:
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
    if any(text.strip() for text in cells[width:]):
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
