"""Figures drawn from the results tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FuncFormatter, MaxNLocator, StrMethodFormatter

from a2lc.files import atomic_path
from a2lc.reporting.tables import Results, methods_of, read_results, rounds_of, values_of

# Okabe and Ito's colours, told apart with any kind of colour blindness; markers repeat the distinction without colour.
_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")
_INK, _FAINT, _GRID = "#22262b", "#6b7480", "#e6e9ed"
_PANELS = {
    "data_miou": ("Data mIoU", "labels of the training images"),
    "model_miou_best": ("Model mIoU", "network on the validation images, best checkpoint"),
}


def plot_miou(folder: Path, path: Path) -> None:
    """Plot data mIoU and model mIoU against clicks: a line per method, the mean over the seeds, with a band of ± std.

    Args:
        folder: Results folder with one `seed<k>.csv` per seed.
        path: Target, a PNG of 1650×720 pixels; written atomically, the same tables give the same bytes.

    Raises:
        InputError: When there are no results or a table cannot be read.
    """
    results = read_results(folder)
    layout = ConstrainedLayoutEngine(w_pad=0.16, h_pad=0.1, wspace=0.03)
    figure = Figure(figsize=(11, 4.8), dpi=150, layout=layout, facecolor="white")
    panels = figure.subplots(1, len(_PANELS))
    for axes, (column, (title, subtitle)) in zip(panels, _PANELS.items(), strict=True):
        _dress(axes, title, subtitle)
        _draw_methods(axes, results, column)
    lines = {str(line.get_label()): line for axes in panels for line in axes.get_lines()}
    if lines:
        style = {"frameon": False, "labelcolor": _INK, "fontsize": 11, "borderpad": 0, "borderaxespad": 0}
        figure.legend(lines.values(), lines.keys(), loc="outside lower center", ncols=len(_COLORS), **style)
    with atomic_path(path) as temporary:
        FigureCanvasAgg(figure).print_png(temporary, metadata={"Software": None})


def _draw_methods(axes: Axes, results: Results, column: str) -> None:
    for index, method in enumerate(methods_of(results)):
        points = [
            (np.mean(clicks), np.mean(values), _std(values))
            for round_index in rounds_of(results, method)
            if (clicks := values_of(results, "clicks", round_index, method))
            and (values := values_of(results, column, round_index, method))
        ]
        if not points:
            continue
        position, mean, deviation = np.array(points).T
        cycle, position_in_cycle = divmod(index, len(_COLORS))
        color, marker = _COLORS[position_in_cycle], _MARKERS[(index + cycle) % len(_MARKERS)]
        axes.fill_between(position, mean - deviation, mean + deviation, color=color, alpha=0.16, linewidth=0)
        axes.plot(
            position, mean, color=color, marker=marker, label=method,
            linewidth=2.2, markersize=7.5, markeredgecolor="white", markeredgewidth=1.2, solid_capstyle="round",
        )  # fmt: skip
    if not axes.lines:
        axes.set(xticks=[], yticks=[])
        axes.text(0.5, 0.5, "not measured", transform=axes.transAxes, ha="center", va="center", color=_FAINT)


def _std(values: Sequence[float]) -> float:
    return float(np.std(values, ddof=1)) if len(values) > 1 else 0.0


def _dress(axes: Axes, title: str, subtitle: str) -> None:
    axes.set_title(title, loc="left", fontsize=14, fontweight="bold", color=_INK, pad=24)
    axes.annotate(
        subtitle, (0, 1), (0, 9), xycoords="axes fraction", textcoords="offset points", fontsize=10.5, color=_FAINT
    )
    axes.set_xlabel("clicks", fontsize=11, color=_FAINT, labelpad=6)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True, min_n_ticks=1))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda fraction, _: f"{100 * fraction:.4g}%"))
    axes.grid(axis="y", color=_GRID, linewidth=1)
    axes.set_axisbelow(True)
    axes.tick_params(colors=_FAINT, labelsize=10.5, length=0, pad=6)
    axes.spines[["top", "left", "right"]].set_visible(False)
    axes.spines["bottom"].set_color(_FAINT)
    axes.margins(x=0.03, y=0.08)
