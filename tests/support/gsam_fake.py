"""A detector and a segmenter that need no weights: they find reddish boxes and bluish discs by their colour.

Run as a program, this is `grounded-sam` with the two in place of the models. The scores depend on the whole batch, so
that files tell whether a batch was computed as it should be.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage.measure import label, regionprops

from grounded_sam import backends
from grounded_sam.detections import Detections

NAMES = ("box", "disc")  # classes 1 and 2 of the drawn images


def _parts(image: NDArray[np.uint8]) -> Iterator[tuple[NDArray[np.bool_], int, tuple[int, int, int, int]]]:
    """Connected reddish and bluish parts: where, class, box (x0, y0, x1, y1)."""
    red, blue = image[..., 0].astype(int), image[..., 2].astype(int)
    for kind, region in ((1, red - blue > 60), (2, blue - red > 60)):
        parts = label(region)
        for part in regionprops(parts):
            top, left, bottom, right = part.bbox
            yield parts == part.label, kind, (left, top, right, bottom)


class FakeDetector:
    """Boxes around the parts; `tag` stands for the weights."""

    def __init__(self, tag: str = "fake") -> None:
        self.tag = tag
        self.batches: list[int] = []

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[Detections]:
        self.batches.append(len(images))
        of_batch = sum(int(image.sum()) for image in images) % 997 / 10_000
        return [self._detect(image, of_batch) for image in images]

    def _detect(self, image: NDArray[np.uint8], of_batch: float) -> Detections:
        found = list(_parts(image))
        areas = np.array([region.sum() for region, _, _ in found], dtype=np.float32)
        return Detections(
            np.array([box for _, _, box in found], dtype=np.float32).reshape(-1, 4),
            np.array([kind for _, kind, _ in found], dtype=np.int64),
            (0.3 + of_batch + 0.5 * areas / image[..., 0].size).astype(np.float32),
        )

    def describe(self) -> dict[str, Any]:
        return {"backend": "fake", "sha256": self.tag}


class FakeSegmenter:
    """The coloured pixels in a box."""

    def segment(self, image: NDArray[np.uint8], boxes: NDArray[np.float32]) -> Iterator[NDArray[np.bool_]]:
        coloured = np.abs(image[..., 0].astype(int) - image[..., 2]) > 60
        for left, top, right, bottom in boxes.astype(int):
            mask = np.zeros(coloured.shape, dtype=bool)
            mask[top:bottom, left:right] = coloured[top:bottom, left:right]
            yield mask

    def describe(self) -> dict[str, Any]:
        return {"backend": "fake"}


def install(tag: str = "fake") -> FakeDetector:
    """Let `grounded_sam` open the two instead of models; returns the detector it will open."""
    detector = FakeDetector(tag)
    backends.open_detector = lambda *_: detector
    backends.open_segmenter = lambda *_: FakeSegmenter()
    return detector


def die_at(operation: int, folder: Path) -> None:
    """Kill this process, as a machine would, just before it opens, renames or removes its n-th file in a folder."""
    left = operation

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal left
        if event in ("open", "os.rename", "os.remove") and str(folder) in str(arguments[0]):
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)


def main(arguments: list[str]) -> int:
    from grounded_sam.cli import main as command

    install()
    return command(arguments)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
