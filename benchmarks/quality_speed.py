"""Time and peak memory of label quality against cleanlab, and the memory of a stream of Cityscapes-sized images.

    python benchmarks/quality_speed.py [--images 20,80] [--repeats 3]
    python benchmarks/quality_speed.py --stream 200 [--size 1024x2048x19]

The first draws that many images of 375x500 pixels and 21 classes, a tenth of whose 25x25 blocks are labelled wrongly,
and gives them to cleanlab (n_jobs=1) and to a2lc in turn. Each measurement has a process of its own. Times are the CPU
seconds of the call, the least of the repeats; memory is what the call adds to the process that has the data loaded.

The second finds the issues of images that are drawn whenever they are read, then reads them once more to count their
issues, and prints the peak resident memory of the process.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from a2lc.quality import common_label_issues, find_label_issues, label_quality_scores

HEIGHT, WIDTH, CLASSES = 375, 500, 21
BLOCK = 25  # pixels along a side of the blocks that have one class
WRONG = 0.1  # share of the blocks that are labelled wrongly
CONFIDENCE = 12.0  # most that the network prefers the right class by, over noise of at most 1
T = TypeVar("T")


@dataclass(frozen=True)
class Result:
    """CPU seconds of a call, and MiB that it added to the peak of its process."""

    seconds: float
    memory: float


def main() -> None:
    """Print the table of the comparison, or a line about the stream."""
    arguments = parse()
    if arguments.stream:
        height, width, classes = map(int, arguments.size.split("x"))
        alone(run_stream, Stream(arguments.stream, height, width, classes))
        return
    print(f"{'call':<18}{'images':>7}{'cleanlab s':>12}{'a2lc s':>9}{'ratio':>7}{'cleanlab MiB':>14}{'a2lc MiB':>10}")
    for images in map(int, arguments.images.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            alone(write_data, Path(folder), images)
            for call in CALLS:
                compare(call, Path(folder), images, arguments.repeats)


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", default="20,80", help="numbers of images, separated by commas")
    parser.add_argument("--repeats", type=int, default=3, help="measurements of each call, cleanlab and a2lc in turn")
    parser.add_argument("--stream", type=int, default=0, help="number of streamed images; no comparison then")
    parser.add_argument("--size", default="1024x2048x19", help="height x width x classes of the streamed images")
    return parser.parse_args()


def alone(function: Callable[..., T], *arguments: Any) -> T:
    """Call a function in a process of its own, which takes its memory with it when it ends.

    The process is a fork, so that it need not import everything again.
    """
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as process:
        return process.submit(function, *arguments).result()


def compare(call: str, folder: Path, images: int, repeats: int) -> None:
    """Measure a call of both packages in turn and print the least of each."""
    runs = [[alone(measure, call, package, folder) for package in range(2)] for _ in range(repeats)]
    seconds = [min(run[package].seconds for run in runs) for package in range(2)]
    memory = [min(run[package].memory for run in runs) for package in range(2)]
    print(
        f"{call:<18}{images:>7}{seconds[0]:>12.2f}{seconds[1]:>9.2f}{seconds[0] / seconds[1]:>7.1f}"
        f"{memory[0]:>14.0f}{memory[1]:>10.0f}",
        flush=True,
    )


def measure(call: str, package: int, folder: Path) -> Result:
    """Load the data and make one call."""
    function = CALLS[call][package]()
    labels, probabilities, issues = (np.load(folder / f"{name}.npy") for name in ("labels", "probabilities", "issues"))
    before, start = peak_memory(), time.process_time()
    function(labels, probabilities, issues)
    return Result(time.process_time() - start, peak_memory() - before)


def peak_memory() -> float:
    """Most resident memory that this process has had, in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def cleanlab_softmin() -> Callable[..., Any]:
    """cleanlab's scores of images."""
    from cleanlab.segmentation.rank import get_label_quality_scores

    return lambda labels, probabilities, issues: get_label_quality_scores(labels, probabilities, verbose=False)


def cleanlab_find() -> Callable[..., Any]:
    """cleanlab's issues, in one process."""
    from cleanlab.segmentation.filter import find_label_issues as find

    return lambda labels, probabilities, issues: find(labels, probabilities, n_jobs=1, verbose=False)


def cleanlab_common() -> Callable[..., Any]:
    """cleanlab's table of swapped classes, its progress bar unseen."""
    from cleanlab.segmentation.summary import common_label_issues as common

    def call(labels: Any, probabilities: Any, issues: Any) -> None:
        with contextlib.redirect_stderr(io.StringIO()):
            common(issues, labels, probabilities, verbose=False)

    return call


CALLS: dict[str, tuple[Callable[[], Callable[..., Any]], Callable[[], Callable[..., Any]]]] = {
    "softmin": (cleanlab_softmin, lambda: lambda labels, p, issues: label_quality_scores(labels, p)),
    "find_label_issues": (cleanlab_find, lambda: lambda labels, p, issues: find_label_issues(labels, p)),
    "common_issues": (cleanlab_common, lambda: lambda labels, p, issues: common_label_issues(issues, labels, p)),
}


def write_data(folder: Path, images: int) -> None:
    """Write labels, probabilities, and the issues that there are."""
    labels = np.empty((images, HEIGHT, WIDTH), dtype=np.int64)
    probabilities = np.empty((images, CLASSES, HEIGHT, WIDTH), dtype=np.float32)
    for index, drawn in enumerate(Stream(images, HEIGHT, WIDTH, CLASSES)):
        labels[index], probabilities[index] = drawn
    arrays = {"labels": labels, "probabilities": probabilities, "issues": find_label_issues(labels, probabilities)}
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)


@dataclass(frozen=True)
class Stream:
    """Images drawn when they are read; the same at every read.

    Attributes:
        images: How many.
        height: In pixels.
        width: In pixels.
        classes: How many.
    """

    images: int
    height: int
    width: int
    classes: int

    def __iter__(self) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.float32]]]:
        # noise costs the most to draw, so the images share it, each from another column on
        noise = np.random.default_rng(0).random((self.classes, self.height, self.width), dtype=np.float32)
        for index in range(self.images):
            yield self._draw(np.random.default_rng((1, index)), noise)

    def _draw(
        self, rng: np.random.Generator, noise: NDArray[np.float32]
    ) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        blocks = -(-self.height // BLOCK), -(-self.width // BLOCK)
        truth, other = rng.integers(0, self.classes, (2, *blocks), dtype=np.uint8)
        labels = self._enlarge(np.where(rng.random(blocks) < WRONG, other, truth))
        probabilities = np.roll(noise, int(rng.integers(self.width)), axis=2)
        confidence = rng.random((self.height, self.width), dtype=np.float32) * CONFIDENCE
        rows, columns = np.ogrid[: self.height, : self.width]
        probabilities[self._enlarge(truth), rows, columns] += confidence
        probabilities /= probabilities.sum(axis=0)
        return labels, probabilities

    def _enlarge(self, blocks: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return blocks.repeat(BLOCK, axis=0).repeat(BLOCK, axis=1)[: self.height, : self.width]


def run_stream(stream: Stream) -> None:
    """Find and count the issues of the images, and print what that took."""
    start = time.process_time()
    issues = sum(int(mask.sum()) for mask in find_label_issues(stream))
    pixels = stream.images * stream.height * stream.width
    print(
        f"{stream.images} images of {stream.height}x{stream.width}x{stream.classes}: {peak_memory():.0f} MiB peak, "
        f"{time.process_time() - start:.0f} CPU seconds with the drawing, {issues} issues in {pixels} pixels"
    )


if __name__ == "__main__":
    main()
