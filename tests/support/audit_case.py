"""Tiny data sets to audit, and the arguments of an audit of a second."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from a2lc.classes import ClassSet, parse_classes
from a2lc.foundation.images import write_image, write_label_map
from tests.support.tiny import SETTINGS

KEYS = [key for key in SETTINGS if not key.startswith(("training.iterations", "propagation."))]


def audit_arguments(data: Path, target: Path, *more: str, iterations: int = 6) -> list[str]:
    settings = [f"dataset.root={data}", f"training.iterations={iterations}", "budget=3", *KEYS]
    return ["audit", "folder", *settings, "--to", str(target), "--folds", "2", "--min-pixels", "20", *more]


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def colored_folder(root: Path, classes: ClassSet, images: int = 10) -> None:
    """Two boxes in each image, one red (class 1) and one blue (class 2), on grey ground."""
    for index in range(images):
        rng = np.random.default_rng(index)
        image, labels = np.full((48, 64, 3), 110, dtype=np.uint8), np.zeros((48, 64), dtype=np.uint8)
        for kind, column in ((1, 4), (2, 36)):
            row, shift = rng.integers(2, 20), rng.integers(0, 5)
            region = np.s_[row : row + 24, column + shift : column + shift + 20]
            labels[region], image[region] = kind, (220, 40, 40) if kind == 1 else (40, 40, 220)
        write_image(root / "images" / f"image{index:02d}.png", image)
        write_label_map(root / "ground_truth" / f"image{index:02d}.png", labels, classes.palette())
    classes.write(root / "classes.yaml")


def two_things() -> ClassSet:
    """Two classes of things and background."""
    return parse_classes({"classes": ["background", "red box", "blue <box>"], "unmasked": "background"}, "things")
