"""Every acquisition keeps its contract, and another one takes a module that registers it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from a2lc.acquisition import AcquisitionSettings, MaskScores, score_candidates, score_masks
from a2lc.acquisition.registry import ACQUISITIONS
from a2lc.acquisition.table import read_mask_table
from a2lc.classes import ClassSet
from tests.support.tiny import tiny_arguments, tiny_data
from tests.support.with_toys import modules_after, run_with

Maps = tuple[NDArray[np.float32], NDArray[np.uint8], NDArray[np.int32]]


def maps(seed: int) -> Maps:
    """Probabilities (4, 9, 11), labels and masks; those of two seeds differ in the probabilities alone."""
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.ones(4), (9, 11)).transpose(2, 0, 1).astype(np.float32)
    rng = np.random.default_rng(99)
    labels = rng.choice([0, 1, 2, 3, 255], (9, 11)).astype(np.uint8)
    return probabilities, labels, rng.choice([0, 3, 7, 300], (9, 11)).astype(np.int32)


def scored(name: str, seed: int) -> MaskScores:
    return score_masks(*maps(seed), name, generator=np.random.default_rng(5))


@pytest.mark.parametrize("name", ACQUISITIONS.names())
def test_gives_every_mask_a_finite_score_that_repeats(name: str) -> None:
    found = scored(name, 0)
    assert found.mask_id.tolist() == [3, 7, 300]
    assert found.score.dtype == np.float64
    assert np.isfinite(found.score).all()
    assert found.score.tolist() == scored(name, 0).score.tolist()


@pytest.mark.parametrize("name", ACQUISITIONS.names())
def test_looks_at_the_network_only_if_it_says_that_it_needs_one(name: str) -> None:
    depends = scored(name, 0).score.tolist() != scored(name, 1).score.tolist()
    assert depends == ACQUISITIONS[name].needs.network


@pytest.mark.parametrize("name", ACQUISITIONS.names())
def test_is_the_error_of_a_pixel_only_if_it_says_so(name: str) -> None:
    probabilities, labels, masks = maps(0)
    alone = AcquisitionSettings(name=name, look_ahead=False, expansion=None)
    found = score_candidates(probabilities, labels, masks, alone, generator=np.random.default_rng(5)).scores
    row, column = found.representative.T
    known = np.where(labels == 255, probabilities.argmax(0), labels)[row, column]
    error = 1 - probabilities[known, row, column]
    if ACQUISITIONS[name].of_pixel:
        assert found.score == pytest.approx(error, abs=1e-6)
        AcquisitionSettings(name=name, pool="pixels", look_ahead=False, expansion=None)
    else:
        with pytest.raises(ValueError, match="cil, lcil, sim"):
            AcquisitionSettings(name=name, pool="pixels", look_ahead=False, expansion=None)


def test_a_wrong_name_is_told_the_valid_ones_and_the_nearest() -> None:
    for wrong in (lambda: AcquisitionSettings(name="margim"), lambda: score_masks(*maps(0), "margim")):
        with pytest.raises(ValueError, match=r"expected one of abc, sim, .*did you mean margin\?"):
            wrong()


def test_names_and_needs_are_known_without_torch() -> None:
    statement = "from a2lc.acquisition.registry import ACQUISITIONS as A; [A[name].needs for name in A]"
    assert not modules_after(statement) & {"torch", "sklearn", "skimage", "timm"}


@pytest.mark.slow
def test_another_one_takes_a_module_that_registers_it(tmp_path: Path, classes: ClassSet) -> None:
    data = tiny_data(tmp_path / "data", classes)
    settings = ("method=area", "acquisition=toy", "rounds=1", "experiment=toys")
    run_with("tests.support.toy_acquisition", *tiny_arguments(data, tmp_path, *settings))
    table = read_mask_table(tmp_path / "runs/toys/seed1/area/round_1/mask_table.parquet")
    assert table.about["acquisition"] == "toy"
    assert table.scores.score == pytest.approx(1 / table.scores.pixels)
