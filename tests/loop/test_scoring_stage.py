"""The scoring stage: batches, shares and options that must not change what comes out, for one tiny checkpoint."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from a2lc.acquisition import Candidates, MaskScores
from a2lc.classes import parse_classes
from a2lc.cli import main
from a2lc.labels.state import LabelState, apply_corrections
from a2lc.labels.store import PseudoLabelSet
from a2lc.loop.scoring import best_of_all, best_of_share, equal_batches
from tests.support.tiny import tiny_arguments, tiny_data


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with data, the trained round 0 of a run, and its scores as they are without any option."""
    home = tmp_path_factory.mktemp("scoring")
    tiny_data(home / "data", parse_classes({"classes": ["ground", "box", "disc"]}, "test"))
    assert main(["train", *tiny_arguments(home / "data", home / "plain")]) == 0
    shutil.copytree(home / "plain/runs/folder/seed1/round_0", home / "round_0")
    return home


def scores(
    home: Path, output: str, *options: str
) -> tuple[list[tuple[str, int]], NDArray[np.float64], NDArray[np.float32]]:
    """Keys, scores and mean probabilities of the first round, in the order of the keys."""
    folder = home / output / "runs/folder/seed1"
    if not (folder / "round_0").exists():
        shutil.copytree(home / "round_0", folder / "round_0")
    assert main(["score", *tiny_arguments(home / "data", home / output, *options)]) == 0
    table = pq.read_table(folder / "a2lc/round_1/mask_table.parquet").sort_by(
        [("image_id", "ascending"), ("mask_id", "ascending")]
    )
    keys = list(zip(table["image_id"].to_pylist(), table["mask_id"].to_pylist(), strict=True))
    return keys, table["score"].to_numpy(), np.array(table["mean_probability"].to_pylist(), dtype=np.float32)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "tolerance"),
    [
        (["training.workers=2"], 0),
        (["scoring.batch_size=4", "training.workers=1"], 1e-4),
        (["scoring.mixed_precision=bf16"], 1e-2),
        (["scoring.compile=true", "scoring.batch_size=2"], 1e-4),
    ],
)
def test_no_option_changes_a_score(
    checkpoint: Path, options: list[str], tolerance: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="eager"))  # the default takes minutes
    keys, plain, probabilities = scores(checkpoint, "plain")
    other_keys, other, other_probabilities = scores(checkpoint, "-".join(options).replace("=", "_"), *options)
    assert keys == other_keys
    np.testing.assert_allclose(other, plain, rtol=tolerance, atol=0)
    np.testing.assert_allclose(other_probabilities, probabilities, rtol=tolerance, atol=0)
    if "scoring.mixed_precision=bf16" in options:
        assert not np.array_equal(other, plain), "nothing was rounded to 16 bits"


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 3)), max_size=30), st.integers(1, 4))
def test_batches_hold_images_of_one_shape_and_are_as_full_as_can_be(shapes: list[tuple[int, int]], size: int) -> None:
    named = {f"image{index}": shape for index, shape in enumerate(shapes)}
    batches = equal_batches(list(named), named, size)
    assert sorted(image for batch in batches for image in batch) == sorted(named)
    for shape in set(shapes):
        own = [batch for batch in batches if named[batch[0]] == shape]
        assert all(named[image] == shape for batch in own for image in batch)
        assert [len(batch) for batch in own[:-1]] == [size] * (len(own) - 1)
        assert len(own[-1]) <= size
    firsts = [int(batch[0].removeprefix("image")) for batch in batches]
    assert firsts == sorted(firsts)


def candidates(score: list[int]) -> Candidates:
    rows = np.arange(len(score))
    mean = np.ones((len(rows), 2), dtype=np.float32)
    found = MaskScores(rows, rows, rows, rows, np.stack([rows, rows], axis=1), mean, np.array(score, dtype=float))
    return Candidates(found, (None,) * len(score))


@given(st.lists(st.lists(st.integers(0, 9), max_size=5), max_size=8), st.integers(1, 6), st.integers(1, 3))
def test_the_best_pixels_do_not_depend_on_the_shares(images: list[list[int]], budget: int, processes: int) -> None:
    scored = [(f"image{index}", candidates(score)) for index, score in enumerate(images)]
    shares = [dict(best_of_share(scored[rank::processes], budget)) for rank in range(processes)]
    merged = [(image, shares[index % processes][image]) for index, (image, _) in enumerate(scored)]
    kept = [score for _, found in best_of_all(merged, budget) for score in found.scores.score.tolist()]
    everything = sorted((score for image in images for score in image), reverse=True)
    last = everything[min(budget, len(everything)) - 1] if everything else 0
    assert kept == [score for image in images for score in image if score >= last]


def test_both_maps_of_an_image_are_read_once(tiny_set: PseudoLabelSet, monkeypatch: pytest.MonkeyPatch) -> None:
    state, read = LabelState(tiny_set, {"a": {300: 0}}), []
    expected = apply_corrections(tiny_set.labels("a"), tiny_set.masks("a"), {300: 0})
    reader = type(tiny_set)
    original = reader.masks
    monkeypatch.setattr(reader, "masks", lambda self, image_id: read.append(image_id) or original(self, image_id))
    labels, masks = state.maps("a")
    assert np.array_equal(labels, expected)
    assert np.array_equal(masks, original(tiny_set, "a"))
    assert read == ["a"]
    assert np.array_equal(state.labels("a"), expected)
