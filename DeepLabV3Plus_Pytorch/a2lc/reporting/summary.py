"""A Markdown summary over the seeds, with the numbers of the papers beside ours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from a2lc.evaluation.cost import Unit
from a2lc.reporting.tables import Results, effort_column, is_known, methods_of, read_results, rounds_of, values_of

_QUALITY = {
    "data_miou": ("Data mIoU", "The labels of a round against ground truth, on the training images."),
    "data_miou_present": (
        "Data mIoU over present classes",
        "The mean over the classes that occur in the ground truth only: of use on a subset of a data set on which some "
        "classes never occur.",
    ),
    "data_miou_strict": (
        "Data mIoU, unlabelled pixels counted as wrong",
        "The same labels, but pixels without a label are misses of their class instead of being left out.",
    ),
    "model_miou_best": (
        "Model mIoU, best checkpoint",
        "The network on the validation images, at the best of its validations: what the papers report.",
    ),
    "model_miou_last": ("Model mIoU, last checkpoint", "The network on the validation images, at the end of training."),
}
_VISIBLE = 5e-5  # half of the last digit of a percentage
_VARIANTS = ("data_miou_present", "data_miou_strict")  # shown only where they differ from data_miou

# column: heading, scale, digits
_ROUNDS = {
    "clicks": ("clicks", 1, 0),
    "bits": ("bits", 1, 1),
    "bits_classification": ("bits if classified", 1, 1),
    "annotator_seconds": ("annotator (s)", 1, 1),
    "p": ("p (%)", 100, 2),
    "annotator_changes": ("annotator changes", 1, 1),
    "lcm_changes": ("LCM changes", 1, 1),
    "lcm_precision": ("LCM precision (%)", 100, 2),
    "lcm_right_before": ("right before (%)", 100, 2),
    **{f"seconds_{stage}": (f"{stage} (s)", 1, 1) for stage in ("train", "score", "annotate", "propagate", "evaluate")},
}
_SO_FAR = {"clicks": "clicks", "bits": "bits", "seconds": "seconds of the annotator"}

# columns that not every table has, with their meaning; left out where no round has a value
_OPTIONAL = {
    "bits": "Bits: what all queries so far cost as corrections (ALC, Theorem 3.1).",
    "bits_classification": "Bits if classified: what they had cost, had each asked for the class without showing one.",
    "annotator_seconds": "Annotator: what all answers so far took.",
    "lcm_right_before": "Right before: share of the automatically changed masks whose label was right already.",
}


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
) -> str:
    """Summarise the seeds of an experiment: mean ± standard deviation, in the shape of the papers' tables.

    Args:
        folder: Results folder with one `seed<k>.csv` per seed.
        title: Heading of the summary.
        command: The command that made the results.
        published: What the papers report for the same experiment, by the method of ours.
        against: What the headings of the rounds count.

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
        f"```\n{command}\n```",
        f"Seeds: {', '.join(map(str, results))}. Mean ± standard deviation over the seeds (n - 1; – for a single one); "
        "(n=…) where not all seeds have a value. Everything that was measured, seed by seed, is in `seed*.csv`.",
        *_about_quoted([entry for entries in quoted.values() for entry in entries]),
    ]
    for column, (heading, meaning) in _QUALITY.items():
        if _has(results, column) and (column not in _VARIANTS or _differs(results, column)):
            table = _quality_table(results, column, effort, quoted)
            parts += [f"## {heading} (%)", f"{meaning} In brackets: {_SO_FAR[against]} so far.", table]
    return "\n\n".join([*parts, *_rounds_section(results)]) + "\n"


def _about_quoted(entries: Sequence[Published]) -> list[str]:
    if not entries:
        return []
    sentence = (
        "Rows with a paper in brackets are quoted from it, not measured here: the settings are the same, but initial "
        "masks, choice of images, pretrained weights, library versions and random numbers may be others."
    )
    notes = [f"- {entry.label}: {entry.note}" for entry in entries if entry.note]
    return [sentence, *(["\n".join(notes)] if notes else [])]


def _has(results: Results, column: str) -> bool:
    return any(row.get(column) is not None for rows in results.values() for row in rows)


def _differs(results: Results, column: str) -> bool:
    pairs = [(row.get(column), row.get("data_miou")) for rows in results.values() for row in rows]
    return any(value is not None and abs(float(value) - float(plain or 0)) >= _VISIBLE for value, plain in pairs)


def _quality_table(results: Results, column: str, effort: str, quoted: Mapping[str, Sequence[Published]]) -> str:
    rounds = rounds_of(results)
    rows = []
    for method in methods_of(results):
        rows.append([method, *(_spread(values_of(results, column, index, method), len(results)) for index in rounds)])
        for entry in quoted[method]:
            percent = entry.percent(column)
            if any(index in percent for index in rounds):
                cells = (f"{percent[index]:.2f}" if index in percent else "–" for index in rounds)
                rows.append([entry.label, *cells])
    return _markdown(["method", *(_round_heading(results, index, effort) for index in rounds)], rows)


def _round_heading(results: Results, round_index: int, effort: str) -> str:
    name = str(round_index) if round_index else "init"
    spent = sorted({round(value) for value in values_of(results, effort, round_index)})
    if not spent or (round_index == 0 and spent == [0]):
        return name
    return f"{name} ({'–'.join(f'{count:,}' for count in dict.fromkeys([spent[0], spent[-1]]))})"


def _rounds_section(results: Results) -> list[str]:
    absent = {column for column in _OPTIONAL if not is_known(results, column)}
    meaning = [
        "p: share of the queried masks whose shown label was right. Changes: masks that got another label. Precision: "
        "share of the automatic changes that were right.",
        *(sentence for column, sentence in _OPTIONAL.items() if column not in absent),
        "Seconds: wall clock of each stage. All are means over the seeds that have a value.",
    ]
    columns = {column: shown for column, shown in _ROUNDS.items() if column not in absent}
    rows = (
        [
            method,
            "init" if index == 0 else str(index),
            *(
                _mean(values_of(results, column, index, method), scale, digits)
                for column, (_, scale, digits) in columns.items()
            ),
        ]
        for method in methods_of(results)
        for index in rounds_of(results, method)
    )
    header = ["method", "round", *(heading for heading, _, _ in columns.values())]
    return ["## Rounds", " ".join(meaning), _markdown(header, rows)]


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
