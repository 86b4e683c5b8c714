"""Peak memory of the scoring stage for a growing number of images: it must not grow.

    python benchmarks/scoring_memory.py VOC_ROOT PSEUDO_LABELS [--images 50,300] [key=value ...]

Takes N training images of a VOC data set, evenly from the largest to the smallest (so that every N has the largest
one), trains one iteration on them, then scores their masks in a process of its own and prints that process's peak
resident memory. Further settings are passed to a2lc.
"""

from __future__ import annotations

import argparse
import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from a2lc.foundation.images import image_size

# Counts the scored images by the log, and prints the peak after the first FIRST of them and at the end.
FIRST = 50
MEASURE = f"""
import logging, resource, sys
from a2lc.cli import main

class Peak(logging.Handler):
    count = 0
    def emit(self, record):
        self.count += record.getMessage().startswith("scoring ")
        if self.count == {FIRST} + 1:
            self.show()
    def show(self):
        print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)

peak = Peak()
logging.getLogger("a2lc.loop").addHandler(peak)
code = main([*sys.argv[1:], "--verbose"])
peak.show()
raise SystemExit(code)
"""


def main() -> None:
    """Print a line per number of images."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path)
    parser.add_argument("pseudo_labels", type=Path)
    parser.add_argument("--images", default="50,300", help="numbers of images, separated by commas")
    parser.add_argument("settings", nargs="*")
    arguments = parser.parse_intermixed_args()
    for images in map(int, arguments.images.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            peaks = measure(arguments.root, arguments.pseudo_labels.resolve(), images, Path(folder), arguments.settings)
            early = f" ({peaks[0]:.0f} after the first {FIRST})" if len(peaks) > 1 else ""
            print(f"{images} images: {peaks[-1]:.0f} MiB peak while scoring{early}")


def measure(root: Path, pseudo_labels: Path, images: int, folder: Path, extra: list[str]) -> list[float]:
    """Peak resident memory in MiB of scoring that many training images: after the first ones, and at the end."""
    link_subset(root.resolve() / "VOCdevkit/VOC2012", folder / "VOCdevkit/VOC2012", images)
    settings = ["pascal", f"dataset.root={folder}", f"pseudo_labels={pseudo_labels}", f"output={folder / 'out'}"]
    settings += ["seeds=1", "training.iterations=1", "training.batch_size=2", "training.crop_size=64", *extra]
    run("train", settings)
    output = run("score", settings)
    return [float(line.split()[1]) for line in output.splitlines() if line.startswith("peak")]


def link_subset(source: Path, target: Path, images: int) -> None:
    """A VOC layout with that many training images and one for validation; the files are links."""
    lists = target / "ImageSets/Segmentation"
    lists.mkdir(parents=True)
    for name in ("JPEGImages", "SegmentationClass"):
        (target / name).symlink_to(source / name)
    for split, count in (("train", images), ("val", 1)):
        ids = (source / f"ImageSets/Segmentation/{split}.txt").read_text().split()
        ids.sort(key=lambda name: -math.prod(image_size(source / f"JPEGImages/{name}.jpg")))
        chosen = (ids[index * len(ids) // count] for index in range(count))
        (lists / f"{split}.txt").write_text("\n".join(chosen) + "\n")


def run(verb: str, settings: list[str]) -> str:
    """Run a verb in a process of its own and return what it prints."""
    command = [sys.executable, "-c", MEASURE, verb, *settings]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=dict(os.environ)).stdout


if __name__ == "__main__":
    main()
