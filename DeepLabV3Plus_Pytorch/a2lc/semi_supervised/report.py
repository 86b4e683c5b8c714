"""The tables of an experiment: a CSV per seed and a summary, made of all arms that are done."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from filelock import FileLock
from typing_extensions import TypedDict  # pydantic wants it before Python 3.12

from a2lc.evaluation.columns.units import FRACTION
from a2lc.foundation.errors import InputError
from a2lc.foundation.files import read_json, write_text
from a2lc.foundation.readers.schema import record
from a2lc.reporting import markdown_table, spread, write_seed_csv
from a2lc.semi_supervised.arm import METRICS
from a2lc.semi_supervised.settings import PublishedMiou, SemiSupervisedSettings

_REMEDY = "delete it, and the same command measures this network again"
_TABLES = {
    "model_miou_best": "Model mIoU, best checkpoint",
    "model_miou_last": "Model mIoU, last checkpoint",
    "model_miou_present": "Model mIoU over the classes that occur in the ground truth, last checkpoint",
    "pixel_accuracy": "Pixel accuracy, last checkpoint",
}


@record
class Finished(TypedDict):
    """What metrics.json must hold."""

    method: str
    objective: str
    backbone: str
    crop: int
    split: str
    labelled: int
    unlabelled: int
    labelled_from: str
    iterations: int
    model_miou_best: float | None
    model_miou_last: float | None
    model_miou_present: float | None
    pixel_accuracy: float | None
    seconds: float
    class_iou: dict[str, float | None]


Results = Mapping[int, Sequence[Finished]]  # seed → its arms
Kind = tuple[str, str, str, int]  # method, objective, backbone, crop


def report(settings: SemiSupervisedSettings, command: str) -> Path:
    """Write seed<k>.csv and summary.md to results/<experiment>/ from all arms that are done, whoever trained them.

    Args:
        settings: Where the experiment is, and what papers report for it.
        command: The command that a reader can run to get the same tables.

    Returns:
        The folder.

    Raises:
        InputError: When no arm is done, or a metrics.json is damaged.
    """
    results = _read(settings.output / "runs" / settings.experiment)
    if not results:
        raise InputError(f"no training of {settings.experiment} is finished below {settings.output}: run it first")
    folder = settings.output / "results" / settings.experiment
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock"):  # another seed may end at the same time
        for seed, arms in results.items():
            write_seed_csv(folder / f"seed{seed}.csv", [_row(arm) for arm in arms])
        write_text(folder / "summary.md", summary(settings, results, command))
    return folder


def _read(experiment: Path) -> dict[int, list[Finished]]:
    """All arms that are done, by seed, in the order of their names."""
    results: dict[int, list[Finished]] = {}
    for path in sorted(experiment.glob(f"seed*/*/{METRICS}")):
        found = re.fullmatch(r"seed(\d+)", path.parents[1].name)
        if found:
            results.setdefault(int(found[1]), []).append(read_json(path, Finished, _REMEDY))
    return dict(sorted(results.items()))


def _row(arm: Finished) -> dict[str, Any]:
    """A row of the CSV: one method and objective on one split, a round of its own in the eyes of other tables."""
    told = {name: value for name, value in arm.items() if name not in ("method", "class_iou")}
    name = f"{arm['method']}, {arm['objective']}, {arm['backbone']}, {arm['crop']}, {arm['split']}"
    of_classes = {f"iou_{name.replace(' ', '_')}": value for name, value in arm["class_iou"].items()}
    return {"method": name, "round": 0, **told, **of_classes}


def summary(settings: SemiSupervisedSettings, results: Results, command: str) -> str:
    """Markdown: a table for each number, a row per method and objective, a column per split, papers' rows below.

    Args:
        settings: What papers report.
        results: The arms that are done.
        command: For the head.
    """
    arms = [arm for of_seed in results.values() for arm in of_seed]
    splits = sorted({arm["split"] for arm in arms}, key=_size)
    kinds = list(dict.fromkeys(map(_kind, arms)))
    parts = [
        f"# {settings.experiment}",
        f"```\n{command}\n```",
        f"Seeds: {', '.join(map(str, results))}. Mean ± standard deviation over the seeds (n - 1; – for a single one), "
        "in percent, on the validation images; (n=…) where not all seeds have a value. Columns are the splits.",
        _about_splits(arms, splits),
    ]
    quoted = [entry for entry in settings.published if any(_belongs(entry, kind) for kind in kinds)]
    for column, title in _TABLES.items():
        if any(arm[column] is not None for arm in arms):  # type: ignore[literal-required]  # by name
            rows = [_cells(results, kind, splits, column) for kind in kinds]
            of_papers = _quoted(quoted, splits) if column == "model_miou_best" else []
            table = markdown_table(["method", "objective", "network", "crop", *splits], [*rows, *of_papers])
            parts += [f"## {FRACTION.heading(title)}", table]
    if quoted:
        parts.insert(4, _ABOUT_QUOTED)
    return "\n\n".join(parts) + "\n"


_ABOUT_QUOTED = (
    "Rows with a paper in brackets are quoted from it, not measured here: choice of labelled images, pretrained "
    "weights, library versions, evaluation and random numbers may be others."
)


def _about_splits(arms: Sequence[Finished], splits: Sequence[str]) -> str:
    """Of every split, how many images are labelled and where they come from."""
    lines = []
    for split in splits:
        of_split = [arm for arm in arms if arm["split"] == split]
        told = " or ".join(sorted({f"{arm['labelled']:,} labelled ({arm['labelled_from']})" for arm in of_split}))
        others = " or ".join(sorted({f"{arm['unlabelled']:,}" for arm in of_split}))
        steps = " or ".join(sorted({f"{arm['iterations']:,}" for arm in of_split}))
        lines.append(f"- {split}: {told} and {others} unlabelled images, {steps} iterations")
    return "\n".join(lines)


def _kind(arm: Finished) -> Kind:
    return arm["method"], arm["objective"], arm["backbone"], arm["crop"]


def _size(split: str) -> tuple[bool, Fraction]:
    """Shares in ascending order, then numbers; a split that is neither comes last."""
    try:
        value = Fraction(split)
    except ValueError:
        return True, Fraction(10**9)
    return value > 1, value


def _cells(results: Results, kind: Kind, splits: Sequence[str], column: str) -> list[str]:
    """A row of ours."""
    cells = []
    for split in splits:
        found = [arm for of_seed in results.values() for arm in of_seed if _kind(arm) == kind and arm["split"] == split]
        values = [arm[column] for arm in found if arm[column] is not None]  # type: ignore[literal-required]  # by name
        cells.append(spread(FRACTION, values, len(results)))
    return [*kind[:3], str(kind[3]), *cells]


def _belongs(entry: PublishedMiou, kind: Kind) -> bool:
    """Whether a paper's number is of this network and crop."""
    return kind[2].startswith(entry.backbone) and entry.crop in (None, kind[3])


def _quoted(entries: Sequence[PublishedMiou], splits: Sequence[str]) -> list[list[str]]:
    """The rows of papers that have one of the splits."""
    return [
        [
            f"{entry.method} ({entry.source})",
            entry.objective,
            entry.network,
            str(entry.crop or "–"),
            *(f"{entry.miou[split]:.1f}" if split in entry.miou else "–" for split in splits),
        ]
        for entry in entries
        if any(split in entry.miou for split in splits)
    ]
