"""The smallest run that goes through every stage: a few drawn images and a network of a few thousand weights."""

from __future__ import annotations

import csv
from pathlib import Path

from a2lc.classes import ClassSet
from tests.support.folders import make_folder

SETTINGS = (
    "network.backbone=test_resnet",
    "network.backbone_weights=none",
    "network.aspp_channels=16",
    "training.iterations=6",
    "training.batch_size=2",
    "training.crop_size=48",
    "training.validate_every=3",
    "training.save_every=2",
    "training.workers=0",
    "propagation.mode=compat",
    "propagation.threshold=0.34",
    "propagation.epochs=30",
    "propagation.learning_rate=0.01",
    "device=cpu",
)


def tiny_data(root: Path, classes: ClassSet, truth: bool = True) -> Path:
    """Eight images; with ground truth two of them are for validation."""
    make_folder(root, classes, images=8, truth=truth)
    if truth:
        (root / "val.txt").write_text("image06\nimage07\n")
    return root


def tiny_arguments(data: Path, output: Path, *settings: str) -> list[str]:
    """Configuration and settings of a tiny run."""
    return ["folder", f"dataset.root={data}", f"output={output}", "rounds=2", "budget=4", *SETTINGS, *settings]


def seed_table(output: Path) -> list[dict[str, str]]:
    """The rows of the results of seed 1, times aside."""
    with (output / "results/folder/seed1.csv").open(newline="") as file:
        return [{k: v for k, v in row.items() if not k.startswith("seconds")} for row in csv.DictReader(file)]
