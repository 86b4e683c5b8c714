"""What several tests need: the shared real data where it is, and small data sets that the tests make."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import settings

from a2lc.classes import ClassSet, parse_classes
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
