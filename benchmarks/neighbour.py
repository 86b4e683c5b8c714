"""What training costs beside another busy program, for several ways in which OpenMP's threads wait.

    python -m benchmarks.neighbour [--steps 40] [--rounds 3] [--values default,1000,3000,passive]

A thread of OpenMP that has nothing to do spins for a while before it sleeps. On idle cores that saves time; beside a
busy program it spins for a core that it does not get, while the others wait for it. Each row is one way of waiting, in
processes of its own: the median step on idle cores and beside one process that is always busy, the values in turn.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

SIZES = {"small": (4, 64), "large": (8, 192)}  # images of a batch, side of the crop in pixels
WAYS: Mapping[str, dict[str, str]] = {
    "default": {},  # as the runtime comes
    "1000": {"GOMP_SPINCOUNT": "1000"},
    "3000": {"GOMP_SPINCOUNT": "3000"},
    "10000": {"GOMP_SPINCOUNT": "10000"},
    "passive": {"OMP_WAIT_POLICY": "PASSIVE"},
}
_SPIN_VARIABLES = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")

# what a process of its own does: steps of the demo's network, and their median in seconds
STEPS = """
import statistics, sys, time
from pathlib import Path
import torch
from a2lc.segmentation.descent import Descent
from a2lc.segmentation.network import build_network
from a2lc.segmentation.objectives import make_objective
from a2lc.segmentation.settings import NetworkSettings, TrainingSettings
batch, side, steps = map(int, sys.argv[1:])
network = NetworkSettings(backbone="mobilenetv1_100", backbone_weights="none", separable=True)
training = TrainingSettings(iterations=10_000, batch_size=batch, crop_size=side)
descent = Descent(build_network(network, 8, seed=0), training, make_objective(training, 8), torch.device("cpu"), 0)
images = torch.rand(batch, 3, side, side)
labels = torch.randint(0, 8, (batch, side, side))
seconds = []
for step in range(steps + 3):
    started = time.perf_counter()
    descent.advance(images, labels)
    seconds.append(time.perf_counter() - started)
print(statistics.median(seconds[3:]))
"""


def step_seconds(way: str, size: str, steps: int) -> float:
    """Median seconds of a training step in a fresh process."""
    environment = {key: value for key, value in os.environ.items() if key not in _SPIN_VARIABLES} | WAYS[way]
    arguments = [sys.executable, "-c", STEPS, *map(str, SIZES[size]), str(steps)]
    done = subprocess.run(arguments, env=environment, capture_output=True, text=True, check=True)
    return float(done.stdout)


@contextmanager
def busy(wanted: bool) -> Iterator[None]:
    """Keep one core busy for the time of the block."""
    if not wanted:
        yield
        return
    other = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        other.kill()
        other.wait()


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=40, help="steps of each process")
    parser.add_argument("--rounds", type=int, default=3, help="processes of each way and situation, in turn")
    parser.add_argument("--values", default=",".join(WAYS), help=f"some of {', '.join(WAYS)}")
    arguments = parser.parse_args(argv)
    ways = arguments.values.split(",")
    found: dict[tuple[str, str, bool], list[float]] = {}
    for _ in range(arguments.rounds):
        for size in SIZES:
            for beside in (False, True):
                for way in ways:
                    with busy(beside):
                        seconds = step_seconds(way, size, arguments.steps)
                    found.setdefault((way, size, beside), []).append(seconds)
    print(f"{os.cpu_count()} cores, milliseconds of a training step, median of {arguments.rounds} processes\n")
    print("| waiting | " + " | ".join(f"{size}, {where}" for size in SIZES for where in ("idle", "busy")) + " |")
    print("| :-- |" + " --: |" * 2 * len(SIZES))
    for way in ways:
        cells = [1000 * statistics.median(found[way, size, beside]) for size in SIZES for beside in (False, True)]
        print(f"| {way} | " + " | ".join(f"{cell:.0f}" for cell in cells) + " |")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
