"""What training costs beside another busy program, for several ways in which OpenMP's threads wait.

    python -m benchmarks.neighbour [--steps 40] [--rounds 3] [--values default,1000,3000,passive]
    python -m benchmarks.neighbour --demo          # whole trainings of the demo instead of steps

A thread of OpenMP that has nothing to do spins for a while before it sleeps. On idle cores that saves time; beside a
busy program it spins for a core that it does not get, while the others wait for it. Each row is one way of waiting, in
processes of its own: the median step on idle cores and beside one process that is always busy, the values in turn.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

SIZES = {"small": (4, 64), "large": (8, 192)}  # images of a batch, side of the crop in pixels
WAYS: Mapping[str, dict[str, str]] = {
    "default": {},  # as the runtime comes
    "0": {"GOMP_SPINCOUNT": "0"},
    "100": {"GOMP_SPINCOUNT": "100"},
    "1000": {"GOMP_SPINCOUNT": "1000"},
    "3000": {"GOMP_SPINCOUNT": "3000"},
    "10000": {"GOMP_SPINCOUNT": "10000"},
    "passive": {"OMP_WAIT_POLICY": "PASSIVE"},
}
Found = dict[tuple[str, str, bool], list[float]]  # seconds by way, kind of work, and whether beside a busy process
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


def training_seconds(way: str, data: Path) -> float:
    """Seconds of the demo's first training in a fresh process, as it notes them itself.

    Args:
        way: How threads wait; "default" by its number, since the command line sets another where none is set.
        data: Where the demo's images are drawn, once for all trainings.
    """
    chosen = WAYS[way] or {"GOMP_SPINCOUNT": "300000"}
    environment = {key: value for key, value in os.environ.items() if key not in _SPIN_VARIABLES} | chosen
    with tempfile.TemporaryDirectory() as folder:
        settings = ["demo", "seeds=1", "method=a2lc", f"output={folder}", f"dataset.root={data}"]
        train = [sys.executable, "-m", "a2lc.cli", "train", *settings]
        subprocess.run(train, env=environment, capture_output=True, check=True)
        (noted,) = Path(folder).rglob("training.json")
        return float(json.loads(noted.read_text(encoding="utf-8"))["seconds"])


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
    parser.add_argument("--demo", action="store_true", help="time trainings of the demo, not steps")
    parser.add_argument("--values", default=",".join(WAYS), help=f"some of {', '.join(WAYS)}")
    arguments = parser.parse_args(argv)
    ways = arguments.values.split(",")
    if arguments.demo:
        with tempfile.TemporaryDirectory() as data:
            work = {"demo": partial(training_seconds, data=Path(data) / "toyscapes")}
            found = measured(work, ways, arguments.rounds)
        print_table("seconds of a training of the demo", work, ways, arguments.rounds, found, 1)
    else:
        work = {size: partial(step_seconds, size=size, steps=arguments.steps) for size in SIZES}
        found = measured(work, ways, arguments.rounds)
        print_table("milliseconds of a training step", work, ways, arguments.rounds, found, 1000)
    return 0


def measured(work: Mapping[str, Callable[[str], float]], ways: Sequence[str], rounds: int) -> Found:
    """Seconds of each kind of work, idle and busy, for each way; the ways in turn, so that drifts meet all alike."""
    found: Found = {}
    for _ in range(rounds):
        for name, seconds_of in work.items():
            for beside in (False, True):
                for way in ways:
                    with busy(beside):
                        seconds = seconds_of(way)
                    found.setdefault((way, name, beside), []).append(seconds)
    return found


def print_table(what: str, work: Iterable[str], ways: Sequence[str], rounds: int, found: Found, unit: int) -> None:
    """Print the medians as a table."""
    names = list(work)
    print(f"{os.cpu_count()} cores, {what}, median of {rounds} processes\n")
    print("| waiting | " + " | ".join(f"{name}, {where}" for name in names for where in ("idle", "busy")) + " |")
    print("| :-- |" + " --: |" * 2 * len(names))
    for way in ways:
        cells = [unit * statistics.median(found[way, name, beside]) for name in names for beside in (False, True)]
        print(f"| {way} | " + " | ".join(f"{cell:.3g}" for cell in cells) + " |")


if __name__ == "__main__":
    raise SystemExit(main())
