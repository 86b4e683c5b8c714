"""Figures drawn from the results tables."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.textpath import TextPath
from matplotlib.ticker import FuncFormatter, MaxNLocator, StrMethodFormatter

from a2lc.evaluation.columns import QualityColumn, all_columns
from a2lc.evaluation.cost import Unit
from a2lc.foundation.files import atomic_path
from a2lc.reporting.tables import Results, effort_column, methods_of, read_results, rounds_of, values_of

# Okabe and Ito's colours, told apart with any kind of colour blindness; markers repeat the distinction without colour.
# Methods beyond the seventh take the colours again, dashed and with hollow markers.
_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")
_INK = "#22262b"
_FAINT = "#6b7480"
_GRID = "#e6e9ed"
_WIDTH = 11  # inches, as the others
_HEIGHT = 4.8
_LEGEND_LINE = 0.26
_FONT_SIZE = 11  # points


def plot_miou(folder: Path, path: Path, against: Unit = "clicks") -> None:
    """Plot data mIoU and model mIoU against effort: a line per method, the mean over the seeds, with a band of ± std.

    Args:
        folder: Results folder with one `seed<k>.csv` per seed.
        path: Target, a PNG of 1650×720 pixels, higher where the methods' names take more than a line; written
            atomically, the same tables give the same bytes.
        against: What effort is counted in.

    Raises:
        InputError: When there are no results, a table cannot be read, or nothing was counted in this unit.
    """
    results = read_results(folder)
    effort = effort_column(results, against)
    legend_columns, legend_lines = _legend_grid(methods_of(results))
    layout = ConstrainedLayoutEngine(w_pad=0.16, h_pad=0.1, wspace=0.03)
    height = _HEIGHT + _LEGEND_LINE * (legend_lines - 1)
    panels = [
        (column.name, *column.panel) for column in all_columns() if isinstance(column, QualityColumn) and column.panel
    ]
    figure = Figure(figsize=(_WIDTH, height), dpi=150, layout=layout, facecolor="white")
    grid = figure.subplots(1, len(panels))
    for axes, (column, title, subtitle) in zip(grid, panels, strict=True):
        _dress(axes, title, subtitle, effort.axis)
        _draw_methods(axes, results, column, effort.name)
    lines = {str(line.get_label()): line for axes in grid for line in axes.get_lines()}
    if lines:
        style = {"frameon": False, "labelcolor": _INK, "fontsize": _FONT_SIZE, "borderpad": 0, "borderaxespad": 0}
        figure.legend(lines.values(), lines.keys(), loc="outside lower center", ncols=legend_columns, **style)
    with atomic_path(path) as temporary:
        FigureCanvasAgg(figure).print_png(temporary, metadata={"Software": None})


def _legend_grid(names: Sequence[str]) -> tuple[int, int]:
    """Columns and lines of a legend that is no wider than the figure."""
    if not names:
        return 1, 1
    around = 5 * _FONT_SIZE  # of every name: its line, and the space to the next
    widest = around + max(TextPath((0, 0), name, size=_FONT_SIZE).get_extents().width for name in names)
    lines = math.ceil(len(names) / max(int(72 * _WIDTH / widest), 1))
    return math.ceil(len(names) / lines), lines


def _draw_methods(axes: Axes, results: Results, column: str, effort: str) -> None:
    """A line with its band per method: a column of the results against the one that counts the effort."""
    for index, method in enumerate(methods_of(results)):
        points = [
            (np.mean(spent), np.mean(values), _std(values))
            for round_index in rounds_of(results, method)
            if (spent := values_of(results, effort, round_index, method))
            and (values := values_of(results, column, round_index, method))
        ]
        if not points:
            continue
        position, mean, deviation = np.array(points).T
        again, place = divmod(index, len(_COLORS))
        color = _COLORS[place]
        marker = _MARKERS[(index + again) % len(_MARKERS)]
        face, edge, style = ("white", color, (0, (3, 1))) if again else (color, "white", "solid")
        axes.fill_between(position, mean - deviation, mean + deviation, color=color, alpha=0.16, linewidth=0)
        axes.plot(
            position, mean, color=color, marker=marker, label=method, linestyle=style, linewidth=2.2, markersize=7.5,
            markerfacecolor=face, markeredgecolor=edge, markeredgewidth=1.2, solid_capstyle="round",
        )  # fmt: skip
    if not axes.lines:
        axes.set(xticks=[], yticks=[])
        axes.text(0.5, 0.5, "not measured", transform=axes.transAxes, ha="center", va="center", color=_FAINT)


def _std(values: Sequence[float]) -> float:
    """The sample standard deviation, 0 for a single value."""
    return float(np.std(values, ddof=1)) if len(values) > 1 else 0.0


def _dress(axes: Axes, title: str, subtitle: str, effort: str) -> None:
    """Titles, axes and grid of a panel."""
    axes.set_title(title, loc="left", fontsize=14, fontweight="bold", color=_INK, pad=24)
    axes.annotate(
        subtitle, (0, 1), (0, 9), xycoords="axes fraction", textcoords="offset points", fontsize=10.5, color=_FAINT
    )
    axes.set_xlabel(effort, fontsize=11, color=_FAINT, labelpad=6)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True, min_n_ticks=1))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda fraction, _: f"{100 * fraction:.4g}%"))
    axes.grid(axis="y", color=_GRID, linewidth=1)
    axes.set_axisbelow(True)
    axes.tick_params(colors=_FAINT, labelsize=10.5, length=0, pad=6)
    axes.spines[["top", "left", "right"]].set_visible(False)
    axes.spines["bottom"].set_color(_FAINT)
    axes.margins(x=0.03, y=0.08)
