"""A map of mask ids as horizontal runs: a few thousand of them say what two hundred thousand pixels do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from a2lc.foundation.parallel import check_parallel

IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Runs:
    """The N maximal horizontal stretches of equal value of an image, in row-major order.

    Attributes:
        value: (N,) int64.
        row: (N,) int64.
        start: (N,) int64, first column.
        stop: (N,) int64, column after the last.
        width: Columns of the image.
    """

    value: IntArray
    row: IntArray
    start: IntArray
    stop: IntArray
    width: int

    def __post_init__(self) -> None:
        check_parallel(self, "value", "row", "start", "stop")


def find_runs(values: NDArray[np.integer]) -> Runs:
    """The runs of an (H, W) map of integers."""
    height, width = values.shape
    begins = np.ones((height, width), dtype=bool)
    np.not_equal(values[:, 1:], values[:, :-1], out=begins[:, 1:])
    first = np.flatnonzero(begins)  # (N,) row-major position; every row of the map begins a run
    row, start = np.divmod(first, width)
    length = np.diff(first, append=values.size)
    return Runs(values.ravel()[first].astype(np.int64), row, start, start + length, width)


def extremes(group: IntArray, low: IntArray, high: IntArray, count: int) -> tuple[IntArray, IntArray]:
    """Smallest `low` and largest `high` of each of `count` groups; a group without members has (max of int64, -1)."""
    smallest = np.full(count, np.iinfo(np.int64).max)
    largest = np.full(count, -1, dtype=np.int64)
    np.minimum.at(smallest, group, low)
    np.maximum.at(largest, group, high)
    return smallest, largest


def row_spans(runs: Runs, count: int) -> IntArray:
    """(count,) columns from the first to the last pixel of each value in [0, count), gaps included, over all rows."""
    order = np.lexsort((runs.row, runs.value))  # stable: by value, row, then column
    value = runs.value[order]
    row = runs.row[order]
    # (K,) where the runs of a value in a row begin and end; far fewer than there are pairs of a value and a row
    begins = np.flatnonzero((np.diff(value, prepend=-1) != 0) | (np.diff(row, prepend=-1) != 0))
    ends = np.append(begins[1:], len(order)) - 1
    width = runs.stop[order[ends]] - runs.start[order[begins]]
    return np.bincount(value[begins], width, count).astype(np.int64)


def count_parts(runs: Runs, count: int) -> IntArray:
    """(count,) number of 8-connected parts of each value in [0, count)."""
    places = runs.row * runs.width + runs.start  # (N,) ascending
    # runs of the next row that overlap this one grown by a column to each side
    reach_start = (runs.row + 1) * runs.width + np.maximum(runs.start - 1, 0)
    reach_stop = (runs.row + 1) * runs.width + np.minimum(runs.stop + 1, runs.width)
    lowest = np.searchsorted(places, reach_start, side="right") - 1
    highest = np.searchsorted(places, reach_stop, side="left")
    lowest[runs.row == runs.row[-1]] = len(places)  # nothing lies below the last row
    number = np.maximum(highest - lowest, 0)  # (N,) how many lie below each run
    # (K,) pairs of a run and one below it: `lower` counts up from the lowest of each `upper`
    upper = np.repeat(np.arange(len(places)), number)
    lower = np.arange(number.sum()) - np.repeat(np.cumsum(number) - number, number) + np.repeat(lowest, number)
    same = runs.value[upper] == runs.value[lower]
    links = coo_array((np.ones(same.sum()), (upper[same], lower[same])), shape=(len(places), len(places)))
    parts, part = connected_components(links, directed=False)
    value_of_part = np.zeros(parts, dtype=np.int64)
    value_of_part[part] = runs.value
    return np.bincount(value_of_part, minlength=count)
