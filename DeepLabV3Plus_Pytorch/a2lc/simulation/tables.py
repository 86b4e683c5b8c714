"""The tables of a simulation: every curve as CSV, and a summary in Markdown."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from a2lc.classes import ClassSet
from a2lc.evaluation.columns.effort import CLICKS_SPENT
from a2lc.evaluation.columns.labels import DATA_MIOU
from a2lc.foundation.files import write_text
from a2lc.foundation.parallel import check_parallel
from a2lc.simulation.settings import SimulationSettings
from a2lc.simulation.strategies import Curve

TITLES = {
    "posterior": "answer posterior, refitted in batches",
    "posterior_rounds": "answer posterior, refitted once a round",
    "posterior_checked": "answer posterior, answers checked",
    "area": "area, largest first",
    "random": "random",
    "perfect": "perfect selection, nothing propagated",
}
_FEW = 3  # true masks from which a class counts as one that must not be lost


@dataclass(frozen=True)
class Campaign:
    """One curve: of a strategy, with a share of wrong answers, for a seed."""

    strategy: str
    error_rate: float
    seed: int
    curve: Curve


@dataclass(frozen=True)
class SubsetResult:
    """What area and the posterior reach on a subset with the same budget.

    Attributes:
        masks: Masks of the subset.
        budget: Clicks.
        area: Data mIoU of area at the end, in [0, 1].
        posterior: Data mIoU of the posterior at the end.
        clicks: Clicks after which the posterior first reaches `area`; inf where it never does.
        true_masks: (C,) masks whose majority is the class.
        area_iou: (C,) IoU of each class with area, nan where it occurs nowhere.
        posterior_iou: (C,) IoU of each class with the posterior.
    """

    masks: int
    budget: int
    area: float
    posterior: float
    clicks: float
    true_masks: NDArray[np.int64]
    area_iou: NDArray[np.float64]
    posterior_iou: NDArray[np.float64]

    def __post_init__(self) -> None:
        """Refuse arrays that are not parallel."""
        check_parallel(self, "true_masks", "area_iou", "posterior_iou")

    @property
    def ratio(self) -> float:
        """Clicks to area's level as a share of area's clicks."""
        return self.clicks / self.budget

    def lost(self) -> NDArray[np.int64]:
        """Classes with at least 3 true masks that end at IoU 0 although area keeps them."""
        return np.flatnonzero((self.true_masks >= _FEW) & (self.posterior_iou == 0) & (self.area_iou > 0))


def write_curves(
    folder: Path, campaigns: Sequence[Campaign], settings: SimulationSettings, masks: int, command: str
) -> None:
    """Write curves.csv (a row per curve and batch) and summary.md."""
    rows = [
        (campaign.strategy, campaign.error_rate, campaign.seed, int(clicks), repr(float(quality)))
        for campaign in campaigns
        for clicks, quality in zip(campaign.curve.clicks, campaign.curve.mean_iou, strict=True)
    ]
    _write_csv(folder / "curves.csv", ("strategy", "error_rate", "seed", CLICKS_SPENT.name, DATA_MIOU.name), rows)
    write_text(folder / "summary.md", _summary(campaigns, settings, masks, command))


def _summary(campaigns: Sequence[Campaign], settings: SimulationSettings, masks: int, command: str) -> str:
    """A table for each share of wrong answers: a row per strategy, a column per share of the clicks."""
    end = max(int(campaign.curve.clicks[-1]) for campaign in campaigns)
    marks = [round(end * share) for share in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1)]
    lines = [f"# {settings.experiment}", "", f"`{command}`", ""]
    start = campaigns[0].curve.mean_iou[0]
    lines += [f"{masks:,} masks, data mIoU {start:.2%} before the first click.", ""]
    for error_rate in dict.fromkeys(campaign.error_rate for campaign in campaigns):
        if error_rate:
            lines += [f"## {error_rate:.0%} of the answers wrong", ""]
        heading = ["data mIoU (%) after clicks", *(f"{mark:,}" for mark in marks)]
        heading += [f"clicks to {100 * settings.level:.2f}"] if settings.level else []
        lines += [_row(heading), _row([":--", *["--:"] * (len(heading) - 1)])]
        of_rate = [campaign for campaign in campaigns if campaign.error_rate == error_rate]
        for strategy in dict.fromkeys(campaign.strategy for campaign in of_rate):
            curves = [campaign.curve for campaign in of_rate if campaign.strategy == strategy]
            lines.append(_row([TITLES[strategy], *_cells(curves, marks, settings.level)]))
        lines.append("")
    lines.append(f"Mean over {len(settings.seeds)} seeds, ± the standard deviation where it can be seen.")
    return "\n".join(lines) + "\n"


def _cells(curves: Sequence[Curve], marks: Sequence[int], level: float | None) -> list[str]:
    """What the curves of all seeds come to: at each of the marks, in clicks, and the clicks to a level of data mIoU.

    Both are linear between batches, which seldom end at a mark.
    """
    cells = []
    for mark in marks:
        cells.append(_spread([100 * curve.mean_iou_at(mark) for curve in curves], 2))
    if level:
        clicks = [curve.clicks_to(level) for curve in curves]
        cells.append(_spread(clicks, 0) if np.isfinite(clicks).all() else "not reached")
    return cells


def _spread(values: Sequence[float], digits: int) -> str:
    deviation = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    mean = f"{np.mean(values):,.{digits}f}"
    return f"{mean} ± {deviation:.{digits}f}" if round(deviation, digits) else mean


def write_subsets(
    folder: Path, results: Sequence[SubsetResult], settings: SimulationSettings, classes: ClassSet, command: str
) -> None:
    """Write subsets.csv (a row per subset) and summary.md."""
    names = classes.names
    rows = [
        (
            index, result.masks, result.budget, repr(result.area), repr(result.posterior), repr(result.ratio),
            " ".join(names[label] for label in result.lost()),
        )
        for index, result in enumerate(results)
    ]  # fmt: skip
    heading = ("subset", "masks", "clicks", "area_miou", "posterior_miou", "clicks_ratio", "classes_lost")
    _write_csv(folder / "subsets.csv", heading, rows)
    ratios = np.array([result.ratio for result in results])
    gains = np.array([result.posterior - result.area for result in results])
    lost = sum(len(result.lost()) for result in results)
    lines = [
        f"# {settings.experiment}", "", f"`{command}`", "",
        f"{len(results)} random subsets, budget {settings.budget_share:.0%} of the masks. Clicks with which the answer "
        "posterior reaches what area reaches with all of them, as a share of them:",
        "", "| mean | smallest | largest |", "| --: | --: | --: |",
        f"| {ratios.mean():.3f} | {ratios.min():.3f} | {ratios.max():.3f} |", "",
        f"With all clicks the posterior ends {100 * gains.mean():.2f} points of data mIoU above area on average, "
        f"{100 * gains.min():.2f} at worst. Classes with at least {_FEW} true masks that end at IoU 0 while area keeps "
        f"them: {lost}.",
    ]  # fmt: skip
    write_text(folder / "summary.md", "\n".join(lines) + "\n")


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _write_csv(path: Path, heading: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(heading)
    writer.writerows(rows)
    write_text(path, text.getvalue())
