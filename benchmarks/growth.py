"""What the posterior costs beside the area baseline where there are very many masks: in one image, and in many.

    python -m benchmarks.growth [--only image,images] [--keep FOLDER] [key=value ...]

Draws two data sets of square masks: one image of 16,384 masks, and 10,000 images of 16. Each method does one round of
200 questions in batches of 20, in a process of its own, without a network, which costs both methods the same. Further
settings are passed to a2lc: training.iterations=2 network.backbone=test_resnet adds a small network, and its class
probabilities to the posterior's features.

CPU seconds are those of the process and its children, so a busy machine hardly changes them.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from a2lc.classes import parse_classes
from a2lc.foundation.images import write_image, write_label_map
from a2lc.labels.store import PseudoLabelWriter

CELL = 16  # side of a mask in pixels
RIGHT = 0.7  # share of the initial labels that are right
NAMES = ("ground", "car", "tree", "sign", "person", "bicycle", "wall", "fence")
METHODS = ("area", "posterior")
SETTINGS = (
    "rounds=1", "budget=200", "inner_batch=20", "seeds=1", "device=cpu", "training.iterations=0", "training.workers=0",
    "training.crop_size=64", "training.batch_size=2", "network.backbone_weights=none",
)  # fmt: skip
LIMITS = "posterior: under 1 GB more than area, at most 4 times its CPU time"


@dataclass(frozen=True)
class Case:
    """So many images, each a grid of so many masks to a side."""

    images: int
    side: int


CASES = {"image": Case(images=1, side=128), "images": Case(images=10_000, side=4)}


@dataclass(frozen=True)
class Cost:
    """What a process took: CPU seconds, and the peak of its resident memory in MiB."""

    seconds: float
    peak: float


def main(argv: Sequence[str] | None = None) -> int:
    """Print a row for every case and method."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(CASES), help=f"some of {', '.join(CASES)}")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="draw the data there, or take what is there")
    parser.add_argument("settings", nargs="*")
    arguments = parser.parse_intermixed_args(argv)
    print(f"{LIMITS}\n\n| images x masks | method | CPU time | peak memory | times area | more than area |")
    print("| :-- | :-- | --: | --: | --: | --: |")
    for name in arguments.only.split(","):
        case = CASES[name]
        with tempfile.TemporaryDirectory() as temporary:
            data = (arguments.keep or Path(temporary)) / name
            if not data.exists():
                draw(data, case)
            costs = {method: cost_of(method, data, Path(temporary) / method, arguments.settings) for method in METHODS}
        for method, cost in costs.items():
            print(f"| {case.images:,} x {case.side**2:,} | {method} | {_cells(cost, costs['area'])} |", flush=True)
    return 0


def draw(root: Path, case: Case) -> None:
    """A folder of images with classes, ground truth and pseudo-labels, of which some are wrong."""
    classes = parse_classes({"classes": list(NAMES)}, "the drawn classes")
    writer = PseudoLabelWriter(root / "pseudo_labels", classes, {"backend": "drawn"})
    cells = np.arange(1, case.side**2 + 1).reshape(case.side, case.side)
    for index in tqdm(range(case.images), desc="draw", unit="img", disable=None, leave=False):
        rng = np.random.default_rng(index)
        true = rng.integers(0, len(NAMES), cells.shape)
        wrong = (true + rng.integers(1, 3, cells.shape)) % len(NAMES)
        guess = np.where(rng.random(cells.shape) < RIGHT, true, wrong)
        name = f"image{index:05d}"
        write_image(root / "images" / f"{name}.png", np.stack([_grown(true * 30)] * 3, axis=2).astype(np.uint8))
        write_label_map(root / "ground_truth" / f"{name}.png", _grown(true).astype(np.uint8), classes.palette())
        writer.write(name, _grown(guess).astype(np.uint8), _grown(cells).astype(np.uint16))
    writer.finish()
    classes.write(root / "classes.yaml")


def cost_of(method: str, data: Path, output: Path, extra: Sequence[str]) -> Cost:
    """What a run of one method takes, in a process of its own."""
    settings = [f"dataset.root={data.resolve()}", f"output={output}", f"method={method}", *SETTINGS, *extra]
    command = [sys.executable, "-m", "a2lc.cli", "run", "folder", *settings]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{method} ended with exit code {process.returncode}")
    return Cost(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def _grown(cells: NDArray[np.integer]) -> NDArray[np.integer]:
    """Every entry as a square of pixels."""
    return cells.repeat(CELL, axis=0).repeat(CELL, axis=1)


def _cells(cost: Cost, area: Cost) -> str:
    """The figures of a row."""
    seconds, peak = f"{cost.seconds:,.1f} s", f"{cost.peak:,.0f} MiB"
    return " | ".join([seconds, peak, f"{cost.seconds / area.seconds:.2f}", f"{cost.peak - area.peak:,.0f} MiB"])


if __name__ == "__main__":
    raise SystemExit(main())
