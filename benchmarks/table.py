"""Rows of the performance table, and how time and memory are measured for them."""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """A stage measured against a yardstick in the same run.

    Attributes:
        stage: What was done, with its size.
        seconds: What this code takes.
        yardstick: What it is compared with.
        yardstick_seconds: What that takes on the same input; None where there is nothing to run.
        limit: What is asked of the ratio or the time, in words; empty where nothing is.
        peak: Peak memory in MiB, None where it was not measured.
    """

    stage: str
    seconds: float
    yardstick: str = ""
    yardstick_seconds: float | None = None
    limit: str = ""
    peak: float | None = None

    @property
    def ratio(self) -> float | None:
        """How many times faster than the yardstick."""
        return None if self.yardstick_seconds is None else self.yardstick_seconds / self.seconds


def seconds_of(work: Callable[[], object], repeats: int = 5) -> float:
    """Median wall time of some calls, after one that is not counted."""
    work()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def peak_memory() -> float:
    """Peak resident memory of this process so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def markdown(rows: Sequence[Row]) -> str:
    """The table in Markdown."""
    lines = [
        "| stage | this code | yardstick | its time | times faster | limit | peak memory |",
        "| :-- | --: | :-- | --: | --: | :-- | --: |",
    ]
    for row in rows:
        reference = "" if row.yardstick_seconds is None else _seconds(row.yardstick_seconds)
        ratio = "" if row.ratio is None else f"{row.ratio:.3g}"
        peak = "" if row.peak is None else f"{row.peak:,.0f} MiB"
        cells = [row.stage, _seconds(row.seconds), row.yardstick, reference, ratio, row.limit, peak]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _seconds(value: float) -> str:
    return f"{value:.3g} s" if value >= 1 else f"{1000 * value:.3g} ms"
