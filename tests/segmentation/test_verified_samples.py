"""Verified pixels move with their labels, and only objectives that distinguish them learn which they are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file

from a2lc.segmentation.transforms import Augmentation
from tests.support.training_case import Pictures, fast, run_training, same


@given(st.integers(3, 60), st.integers(3, 60), st.integers(0, 2**62), st.sampled_from(["void", "background"]))
@pytest.mark.parametrize("axes", ["needed", "both"])
def test_marks_move_as_labels_do(axes: str, height: int, width: int, seed: int, padding: str) -> None:
    labels = np.random.default_rng(seed).integers(1, 9, (height, width)).astype(np.uint8)
    verified = labels >= 5
    image = np.stack([labels] * 3, axis=-1)
    options = fast(crop_size=(24, 32), padding=padding, padding_axes=axes, color_jitter=0.3)
    augment = Augmentation(options)
    plain = augment(image, labels, seed)
    view, view_labels, marks = augment.with_verified(image, labels, verified, seed)
    assert torch.equal(view, plain[0])
    assert torch.equal(view_labels, plain[1])
    assert marks.dtype == torch.bool
    assert torch.equal(marks, (view_labels >= 5) & (view_labels != 255))  # what was added has label 0 or 255


class Asked:
    """Says which pixels are verified, and notes who was asked about."""

    def __init__(self, pictures: Pictures, everywhere: bool) -> None:
        self.pictures = pictures
        self.everywhere = everywhere
        self.images: set[str] = set()

    def __call__(self, image_id: str) -> Any:
        self.images.add(image_id)
        return np.full(self.pictures.labels(image_id).shape, self.everywhere)


def test_cross_entropy_asks_for_nothing_and_learns_the_same(tmp_path: Any) -> None:
    asked = Asked(Pictures(), True)
    run_training(tmp_path / "without")
    run_training(tmp_path / "with", verified=asked)
    assert not asked.images
    weights = [load_file(tmp_path / name / "last.safetensors") for name in ("without", "with")]
    assert same(*weights)


def test_verified_everywhere_a_robust_loss_is_cross_entropy(tmp_path: Any) -> None:
    settings = {"objective": "generalised_cross_entropy", "iterations": 2, "padding": "void"}
    for name, everywhere in (("all", True), ("none", False)):
        run_training(tmp_path / name, verified=Asked(Pictures(), everywhere), **settings)
    run_training(tmp_path / "unsaid", **settings)
    run_training(tmp_path / "plain", **{**settings, "objective": "cross_entropy"})
    weights = {path.name: load_file(path / "last.safetensors") for path in tmp_path.iterdir()}
    assert same(weights["none"], weights["unsaid"])
    assert not same(weights["all"], weights["none"])
    for name, tensor in weights["all"].items():
        torch.testing.assert_close(tensor, weights["plain"][name], rtol=1e-3, atol=1e-4)
