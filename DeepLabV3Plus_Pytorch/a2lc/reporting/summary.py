"""A Markdown summary over the seeds, with the numbers of the papers beside ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from a2lc.evaluation.columns import Column, EffortColumn, QualityColumn, all_columns
from a2lc.evaluation.columns.labels import DATA_MIOU_STRICT, DATA_UNLABELLED
from a2lc.evaluation.cost import Unit
from a2lc.reporting.markdown import markdown_table, spread
from a2lc.reporting.tables import Results, effort_column, is_known, methods_of, read_results, rounds_of, values_of

_MOSTLY = 0.5
_VISIBLE = 5e-5  # half of the last digit of a percentage


@dataclass(frozen=True)
class Published:
    """What a paper reports for one experiment.

    Attributes:
        source: Paper, and how many seeds.
        method: How the experiment is called.
        settings: "key=value" over the built-in configuration of the data set, which make the same experiment here.
        data_miou: Percent by round, 0 = before any click.
        model_miou_best: The same of the network on the validation images.
        note: Where this experiment is known to differ from one made here.
    """

    source: str
    method: str
    settings: Sequence[str]
    data_miou: Mapping[int, float]
    model_miou_best: Mapping[int, float]
    note: str = ""

    @property
    def label(self) -> str:
        """How the row in a table is called."""
        return f"{self.method} ({self.source})"

    def percent(self, column: str) -> Mapping[int, float]:
        """Percent by round in a column of the results; empty for what the papers do not report."""
        return {"data_miou": self.data_miou, "model_miou_best": self.model_miou_best}.get(column, {})


def summarise(
    folder: Path,
    title: str,
    command: str,
    published: Mapping[str, Sequence[Published]] | None = None,
    against: Unit = "clicks",
    unfinished: str = "",
) -> str:
    """Summarise the seeds of an experiment: mean ± standard deviation, in the shape of the papers' tables.

    Args:
        folder: Results folder with one `seed<k>.csv` per seed.
        title: Heading of the summary.
        command: The command that made the results.
        published: What the papers report for the same experiment, by the method of ours.
        against: What the headings of the rounds count.
        unfinished: What is missing of the experiment, for the top; "" = nothing.

    Returns:
        Markdown; the same tables give the same text.

    Raises:
        InputError: When there are no results, a table cannot be read, or nothing was counted in this unit.
    """
    results = read_results(folder)
    effort = effort_column(results, against)
    quoted = {method: (published or {}).get(method, ()) for method in methods_of(results)}
    parts = [
        f"# {title}",
        *([unfinished] if unfinished else []),
        f"```\n{command}\n```",
        f"Seeds: {', '.join(map(str, results))}. Mean ± standard deviation over the seeds (n - 1; – for a single one); "
        "(n=…) where not all seeds have a value. Everything that was measured, seed by seed, is in `seed*.csv`.",
        *_about_quoted([entry for entries in quoted.values() for entry in entries]),
    ]
    for column in _quality_columns(results):
        if _is_worth_a_table(results, column):
            table = _quality_table(results, column, effort, quoted)
            about = f"{column.meaning} In brackets: {effort.so_far} so far."
            parts += [f"## {column.unit.heading(column.title)}", about, table]
    return "\n\n".join([*parts, *_rounds_section(results)]) + "\n"


def _quality_columns(results: Results) -> list[QualityColumn]:
    """The columns that are tables of their own; where most pixels start without a label, the strict one first.

    There the others look at the few pixels alone that somebody labelled, and rank whoever labels least first.
    """
    columns = [column for column in all_columns() if isinstance(column, QualityColumn)]
    unlabelled = values_of(results, DATA_UNLABELLED.name, 0)
    if not unlabelled or np.mean(unlabelled) <= _MOSTLY:
        return columns
    return sorted(columns, key=lambda column: column.name != DATA_MIOU_STRICT.name)


def _about_quoted(entries: Sequence[Published]) -> list[str]:
    """What to know of rows that are quoted; nothing where none is."""
    if not entries:
        return []
    sentence = (
        "Rows with a paper in brackets are quoted from it, not measured here: the settings are the same, but initial "
        "masks, choice of images, pretrained weights, library versions and random numbers may be others."
    )
    notes = [f"- {entry.label}: {entry.note}" for entry in entries if entry.note]
    return [sentence, *(["\n".join(notes)] if notes else [])]


def _is_worth_a_table(results: Results, column: QualityColumn) -> bool:
    """Whether any round has a number, and one that the column which this is a variant of does not show as well."""
    rows = [row for of_seed in results.values() for row in of_seed if row.get(column.name) is not None]
    if not column.variant_of:
        return bool(rows)
    pairs = ((float(row[column.name] or 0), float(row.get(column.variant_of) or 0)) for row in rows)
    return any(abs(value - plain) >= _VISIBLE for value, plain in pairs)


def _quality_table(
    results: Results, column: QualityColumn, effort: EffortColumn, quoted: Mapping[str, Sequence[Published]]
) -> str:
    """A row per method, below it those of the papers, and a column per round."""
    rounds = rounds_of(results)
    rows = []
    for method in methods_of(results):
        of_rounds = [values_of(results, column.name, index, method) for index in rounds]
        rows.append([method, *(spread(column.unit, values, len(results)) for values in of_rounds)])
        for entry in quoted[method]:
            percent = entry.percent(column.name)
            if any(index in percent for index in rounds):
                cells = (f"{percent[index]:.2f}" if index in percent else "–" for index in rounds)
                rows.append([entry.label, *cells])
    return markdown_table(["method", *(_round_heading(results, index, effort) for index in rounds)], rows)


def _round_heading(results: Results, round_index: int, effort: EffortColumn) -> str:
    """The round, and the range over methods and seeds of what was spent up to it."""
    name = str(round_index) if round_index else "init"
    spent = sorted({round(value) for value in values_of(results, effort.name, round_index)})
    if not spent or (round_index == 0 and spent == [0]):
        return name
    return f"{name} ({'–'.join(f'{count:,}' for count in dict.fromkeys([spent[0], spent[-1]]))})"


def _rounds_section(results: Results) -> list[str]:
    """What happened in each round: heading, what the columns mean, and a table with a row per method and round."""
    columns = [
        column for column in all_columns() if column.heading and (not column.optional or is_known(results, column.name))
    ]
    rows = [
        [method, "init" if index == 0 else str(index), *_means(results, columns, method, index)]
        for method in methods_of(results)
        for index in rounds_of(results, method)
    ]
    header = ["method", "round", *(column.unit.heading(column.heading) for column in columns)]
    meanings = [f"- {column.heading}: {_lower(column.meaning)}" for column in columns]
    about = "All are means over the seeds that have a value."
    return ["## Rounds", about, "\n".join(meanings), markdown_table(header, rows)]


def _means(results: Results, columns: Sequence[Column], method: str, round_index: int) -> list[str]:
    """The mean over the seeds in each column; a dash where no seed has a value."""
    found = [(column, values_of(results, column.name, round_index, method)) for column in columns]
    return [column.unit.show(float(np.mean(values))) if values else "–" for column, values in found]


def _lower(sentence: str) -> str:
    """A sentence that goes on behind a colon; what begins with an abbreviation stays."""
    return sentence if sentence[1:2].isupper() else sentence[0].lower() + sentence[1:]
