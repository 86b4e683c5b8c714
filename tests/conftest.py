"""What several tests need: the shared real data where it is, and small data sets that the tests make."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import settings

from a2lc.classes import ClassSet, parse_classes
from a2lc.foundation.images import write_image, write_label_map
from a2lc.labels.store import PseudoLabelSet, PseudoLabelWriter

settings.register_profile("a2lc", deadline=None)  # a busy machine is no fault
settings.load_profile("a2lc")
torch.set_num_threads(1)  # results are compared bit by bit between processes


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data and golden values; skips where it is not at hand."""
    folder = os.environ.get("A2LC_SHARED")
    if not folder or not Path(folder).is_dir():
        pytest.skip("A2LC_SHARED is not set to the folder of shared data")
    return Path(folder)


@pytest.fixture
def classes() -> ClassSet:
    """Three classes and void."""
    return parse_classes({"classes": ["ground", "box", "disc"]}, "test classes")


@pytest.fixture
def tiny_set(tmp_path: Path, classes: ClassSet) -> PseudoLabelSet:
    """A pseudo-label set of two images: 'a' has masks 1 (box) and 300 (disc, mixed labels), 'b/c' has none."""
    writer = PseudoLabelWriter(tmp_path / "set", classes, {"backend": "test"})
    labels = np.zeros((4, 6), dtype=np.uint8)
    masks = np.zeros((4, 6), dtype=np.uint16)
    labels[:2, :3], masks[:2, :3] = 1, 1
    labels[2:, 3:], masks[2:, 3:] = 2, 300
    labels[3, 5] = 255
    writer.write("a", labels, masks)
    writer.write("b/c", np.full((3, 3), 255, dtype=np.uint8), np.zeros((3, 3), dtype=np.uint16))
    return writer.finish()


def make_folder(root: Path, classes: ClassSet, images: int = 6, truth: bool = True, size: int = 48) -> Path:
    """A plain folder of images: coloured boxes and discs on a ground, pseudo-labels that confuse the two at times."""
    writer = PseudoLabelWriter(root / "pseudo_labels", classes, {"backend": "test"})
    for index in range(images):
        rng = np.random.default_rng(index)
        image, label = np.full((size, size + 8, 3), 90, dtype=np.uint8), np.zeros((size, size + 8), dtype=np.uint8)
        guess, masks = np.full(label.shape, 255, dtype=np.uint8), np.zeros(label.shape, dtype=np.uint16)
        guess[:4], masks[:4] = 0, 1
        for mask_id in range(2, 5):
            row, column, kind = rng.integers(4, size - 16), rng.integers(0, size - 8), int(rng.integers(1, 3))
            region = np.s_[row : row + 14, column : column + 14]
            label[region], masks[region] = kind, mask_id
            image[region] = (200, 60, 60) if kind == 1 else (60, 60, 200)
            guess[region] = kind if rng.random() < 0.6 else 3 - kind
        image = np.clip(image + rng.normal(0, 8, image.shape), 0, 255).astype(np.uint8)
        name = f"image{index:02d}"
        write_image(root / "images" / f"{name}.png", image)
        if truth:
            write_label_map(root / "ground_truth" / f"{name}.png", label, classes.palette())
        writer.write(name, guess, masks)
    writer.finish()
    classes.write(root / "classes.yaml")
    return root
