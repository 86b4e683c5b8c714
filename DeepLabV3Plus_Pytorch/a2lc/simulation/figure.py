"""The figure of a simulation: data mIoU against clicks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, StrMethodFormatter

from a2lc.evaluation.columns.effort import CLICKS_SPENT
from a2lc.evaluation.columns.labels import DATA_MIOU
from a2lc.foundation.files import atomic_path
from a2lc.simulation.settings import PublishedPoints
from a2lc.simulation.tables import TITLES, Campaign

# Okabe and Ito's colours, told apart with any kind of colour blindness
_COLORS = {
    "posterior": "#0072B2", "posterior_rounds": "#56B4E9", "posterior_checked": "#009E73", "area": "#D55E00",
    "random": "#CC79A7", "perfect": "#6b7480",
}  # fmt: skip
_MARKERS = ("D", "s", "^")
_DASHES = ("-", "--", ":", "-.")  # one per share of wrong answers
_INK = "#22262b"
_FAINT = "#6b7480"
_GRID = "#e6e9ed"


def plot_curves(path: Path, campaigns: Sequence[Campaign], published: Sequence[PublishedPoints]) -> None:
    """Plot the mean over the seeds of every strategy and share of wrong answers.

    Args:
        path: Target, a PNG; written atomically.
        campaigns: The curves.
        published: Points that papers report.
    """
    figure = Figure(figsize=(9, 6.2), dpi=150, layout="constrained", facecolor="white")
    axes = figure.subplots()
    rates = list(dict.fromkeys(campaign.error_rate for campaign in campaigns))
    for rate in rates:
        for strategy in dict.fromkeys(campaign.strategy for campaign in campaigns if campaign.error_rate == rate):
            curves = [c.curve for c in campaigns if (c.strategy, c.error_rate) == (strategy, rate)]
            label = TITLES[strategy] + (f", {rate:.0%} wrong" if rate else "")
            mean = np.mean([curve.mean_iou for curve in curves], axis=0)
            style: dict[str, Any] = {"marker": "o", "markersize": 5} if len(mean) < 20 else {}
            axes.plot(
                curves[0].clicks, mean, color=_COLORS[strategy], linestyle=_DASHES[rates.index(rate) % len(_DASHES)],
                label=label, linewidth=2, **style,
            )  # fmt: skip
    _draw_published(axes, published)
    _dress(axes)
    figure.legend(frameon=False, labelcolor=_INK, fontsize=9.5, loc="outside lower center", ncols=2)
    with atomic_path(path) as temporary:
        FigureCanvasAgg(figure).print_png(temporary, metadata={"Software": None})


def _draw_published(axes: Axes, published: Sequence[PublishedPoints]) -> None:
    """Points of the papers, each marked as what it is."""
    for entry, marker in zip(published, _MARKERS * len(published), strict=False):
        axes.plot(
            list(entry.data_miou), [percent / 100 for percent in entry.data_miou.values()], linestyle="none",
            color=_INK, marker=marker, markersize=8, markerfacecolor="white", label=entry.source, zorder=5,
        )  # fmt: skip


def _dress(axes: Axes) -> None:
    axes.set_title(DATA_MIOU.title, loc="left", fontsize=14, fontweight="bold", color=_INK)
    axes.set_xlabel(CLICKS_SPENT.axis, fontsize=11, color=_FAINT)
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda fraction, _: f"{100 * fraction:.4g}%"))
    axes.grid(axis="y", color=_GRID, linewidth=1)
    axes.set_axisbelow(True)
    axes.tick_params(colors=_FAINT, length=0)
    axes.spines[["top", "left", "right"]].set_visible(False)
    axes.spines["bottom"].set_color(_FAINT)
