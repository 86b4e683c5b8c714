"""Results as tables: a CSV per seed with a row per method and round, and a Markdown summary over the seeds."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral, Real
from pathlib import Path

import numpy as np

from a2lc.errors import InputError
from a2lc.files import write_text

Value = str | int | float | None
Row = Mapping[str, Value]
Results = Mapping[int, Sequence[Row]]  # seed → its rows

_QUALITY = {
    "data_miou": ("Data mIoU", "The labels of a round against ground truth, on the training images."),
    "model_miou_best": (
        "Model mIoU, best checkpoint",
        "The network on the validation images, at the best of its validations: what the papers report.",
    ),
    "model_miou_last": ("Model mIoU, last checkpoint", "The network on the validation images, at the end of training."),
}
_STAGES = ("train", "score", "annotate", "propagate", "evaluate")


def write_seed_csv(path: Path, rows: Sequence[Row]) -> None:
    """Write the results of one seed atomically; columns stand in the order in which the rows first name them.

    Floats are written so that they read back exactly; None and nan are empty cells.

    Args:
        path: Target, `seed<k>.csv`.
        rows: One per method and round, each with at least `method` and `round`. Scores are fractions in [0, 1], times
            are seconds, `clicks` counts from the start of the run.
    """
    columns = list(dict.fromkeys(column for row in rows for column in row))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_to_cell(row.get(column)) for column in columns] for row in rows)
    write_text(path, text.getvalue())


def read_seed_csv(path: Path) -> list[dict[str, Value]]:
    """Read what `write_seed_csv` wrote: numbers as int or float, empty cells as None, `method` always as text.

    Raises:
        InputError: When the file is missing, is no table with the columns `method` and `round`, or has two rows for
            the same of both.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            table = list(csv.DictReader(file, restval=""))
    except FileNotFoundError:
        raise InputError(f"{path} does not exist: run the experiment first") from None
    for number, cells in enumerate(table, start=2):
        if not {"method", "round"} <= cells.keys() or None in cells:
            raise InputError(f"{path}, line {number}: expected the columns method and round and a heading per cell")
    rows = [{column: _from_cell(column, cell) for column, cell in cells.items()} for cells in table]
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


def summarise(folder: Path, title: str, command: str) -> str:
    """Summarise the seeds of an experiment: mean ± standard deviation, in the shape of the papers' tables.

    Args:
        folder: Results folder with one `seed<k>.csv` per seed.
        title: Heading of the summary.
        command: The command that made the results.

    Returns:
        Markdown; the same tables give the same text.

    Raises:
        InputError: When there are no results or a table cannot be read.
    """
    results = read_results(folder)
    parts = [
        f"# {title}",
        f"```\n{command}\n```",
        f"Seeds: {', '.join(map(str, results))}. Mean ± standard deviation over the seeds (n - 1; – for a single one); "
        "(n=…) where not all seeds have a value. Everything that was measured, seed by seed, is in `seed*.csv`.",
    ]
    for column, (heading, meaning) in _QUALITY.items():
        if any(row.get(column) is not None for rows in results.values() for row in rows):
            parts += [f"## {heading} (%)", f"{meaning} In brackets: clicks so far.", _quality_table(results, column)]
    parts += [
        "## Rounds",
        "p: share of the queried masks whose shown label was right. Changes: masks that got another label. Precision: "
        "share of the automatic changes that were right. Seconds: wall clock of each stage. All are means over the "
        "seeds that have a value.",
        _rounds_table(results),
    ]
    return "\n\n".join(parts) + "\n"


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


def _quality_table(results: Results, column: str) -> str:
    rounds = rounds_of(results)
    header = ["method", *(_round_heading(results, index) for index in rounds)]
    rows = (
        [method, *(_spread(values_of(results, column, index, method), len(results)) for index in rounds)]
        for method in methods_of(results)
    )
    return _markdown(header, rows)


def _round_heading(results: Results, round_index: int) -> str:
    if round_index == 0:
        return "init"
    clicks = sorted({int(value) for value in values_of(results, "clicks", round_index)})
    counts = dict.fromkeys([clicks[0], clicks[-1]]) if clicks else {}
    return " ".join([str(round_index), *([f"({'–'.join(f'{count:,}' for count in counts)})"] if counts else [])])


def _rounds_table(results: Results) -> str:
    header = ["method", "round", "clicks", "p (%)", "annotator changes", "LCM changes", "LCM precision (%)"]
    header += [f"{stage} (s)" for stage in _STAGES]
    columns = [("clicks", 1, 0), ("p", 100, 2), ("annotator_changes", 1, 1), ("lcm_changes", 1, 1)]
    columns += [("lcm_precision", 100, 2), *((f"seconds_{stage}", 1, 1) for stage in _STAGES)]
    rows = (
        [
            method,
            "init" if index == 0 else str(index),
            *(_mean(values_of(results, column, index, method), scale, digits) for column, scale, digits in columns),
        ]
        for method in methods_of(results)
        for index in rounds_of(results, method)
    )
    return _markdown(header, rows)


def _spread(fractions: Sequence[float], seeds: int) -> str:
    if not fractions:
        return "–"
    deviation = f"{100 * np.std(fractions, ddof=1):.2f}" if len(fractions) > 1 else "–"
    missing = f" (n={len(fractions)})" if len(fractions) < seeds else ""
    return f"{100 * np.mean(fractions):.2f} ± {deviation}{missing}"


def _mean(values: Sequence[float], scale: int, digits: int) -> str:
    return f"{scale * np.mean(values):,.{digits}f}" if values else "–"


def _markdown(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    rule = [":--", *["--:"] * (len(header) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (header, rule, *rows))


def _to_cell(value: Value) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, Integral):
        return str(int(value))
    if isinstance(value, Real):
        return "" if math.isnan(value) else repr(float(value))
    raise TypeError(f"a cell holds text, a number or None, got {type(value).__name__}")


def _from_cell(column: str, cell: str) -> Value:
    if column == "method" or not cell:
        return cell or None
    for number in (int, float):
        try:
            return number(cell)
        except ValueError:
            continue
    return cell
