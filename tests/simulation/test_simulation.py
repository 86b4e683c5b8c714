"""Simulations on masks and ground truth alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from a2lc.classes import ClassSet
from a2lc.cli import main
from a2lc.evaluation.comparison import compare_labels
from a2lc.formats.png import LabelFolder
from a2lc.labels.state import LabelState
from a2lc.labels.store import open_pseudo_labels
from a2lc.posterior import MaskPool, PosteriorSettings
from a2lc.simulation.campaigns import is_held_out
from a2lc.simulation.settings import SimulationSettings
from a2lc.simulation.strategies import Curve, by_fixed_order, by_posterior, by_truth, random_scores, simulate
from a2lc.simulation.tables import Campaign, write_curves
from a2lc.simulation.truth import MaskTruth, SimulatedAnswers, read_masks
from tests.support.folders import make_folder


@pytest.fixture
def world(tmp_path: Path, classes: ClassSet) -> tuple[Path, MaskPool, MaskTruth]:
    root = make_folder(tmp_path / "data", classes, images=8)
    labels = open_pseudo_labels(root / "pseudo_labels")
    truth = LabelFolder(root / "ground_truth", len(classes))
    return root, *read_masks(labels, truth, labels.image_ids(), classes)


def test_quality_is_that_of_the_label_maps(world: tuple[Path, MaskPool, MaskTruth]) -> None:
    root, pool, truth = world
    label = (pool.label + 1) % 3
    corrections: dict[str, dict[int, int]] = {}
    for (image_id, mask_id), assigned in zip(pool.keys(), label.tolist(), strict=True):
        corrections.setdefault(image_id, {})[mask_id] = assigned
    state = LabelState(open_pseudo_labels(root / "pseudo_labels"), corrections)
    painted = compare_labels(state, LabelFolder(root / "ground_truth", 3), pool.image_id, 3)
    np.testing.assert_array_equal(truth.confusion(label).counts, painted.counts)


def test_curves_start_alike_and_end_at_the_ceiling(world: tuple[Path, MaskPool, MaskTruth]) -> None:
    _, pool, truth = world
    answers = SimulatedAnswers(truth, 0.0, seed=1)
    strategies = (
        by_posterior(pool, PosteriorSettings(), 1),
        by_fixed_order(pool, pool.pixels.astype(float)),
        by_fixed_order(pool, random_scores(pool, 1)),
        by_truth(pool, truth),
    )
    curves = [simulate(pool, truth, answers, strategy, len(pool), 3) for strategy in strategies]
    ceiling = truth.confusion(answers(np.arange(len(pool)), pool.label, np.zeros(len(pool), dtype=int))).mean_iou()
    for curve in curves:
        assert curve.mean_iou[0] == curves[0].mean_iou[0]
        assert curve.mean_iou[-1] == pytest.approx(ceiling)
        assert curve.clicks[-1] == len(pool)
    assert curves[3].mean_iou[2] >= curves[2].mean_iou[2]


def test_wrong_answers_are_wrong_as_often_as_asked_for(world: tuple[Path, MaskPool, MaskTruth]) -> None:
    _, pool, truth = world
    masks, never = np.arange(len(pool)), np.zeros(len(pool), dtype=int)
    right = SimulatedAnswers(truth, 0.0, 1)(masks, pool.label, never)
    wrong = [SimulatedAnswers(truth, 0.3, seed)(masks, pool.label, never) != right for seed in range(60)]
    assert np.mean(wrong) == pytest.approx(0.3, abs=0.05)
    again = SimulatedAnswers(truth, 0.3, 1)
    assert (again(masks, pool.label, never) != again(masks, pool.label, never + 1)).any()


def test_clicks_to_a_level_are_read_between_batches() -> None:
    curve = Curve(np.array([0, 10, 20]), np.array([0.5, 0.6, 0.8]), np.zeros(0, dtype=int))
    assert curve.clicks_to(0.7) == pytest.approx(15)
    assert curve.clicks_to(0.5) == 0
    assert curve.clicks_to(0.9) == np.inf
    assert [curve.mean_iou_at(clicks) for clicks in (0, 5, 15, 20)] == pytest.approx([0.5, 0.55, 0.7, 0.8])


def test_no_cell_of_a_table_is_empty_where_no_batch_ends_at_its_mark(tmp_path: Path) -> None:
    curve = Curve(np.array([0, 7, 100]), np.array([0.3, 0.37, 1.3]) / 2, np.zeros(0, dtype=int))
    settings = SimulationSettings.model_validate(
        {"experiment": "test", "pseudo_labels": "masks", "truth": "truth", "ids": "ids.txt", "classes": "pascal"}
    )
    write_curves(tmp_path, [Campaign("random", 0.0, 1, curve)], settings, 100, "command")
    summary = (tmp_path / "summary.md").read_text()
    assert "| random | 20.00 | 25.00 | 30.00 | 35.00 | 40.00 | 45.00 | 55.00 | 65.00 |" in summary


@pytest.mark.parametrize(
    ("extra", "files"),
    [
        (
            ("error_rates=0,0.1", "strategies=posterior_checked,area"),
            ("curves.csv", "miou.png", "summary.md"),
        ),
        (("subsets=2", "subset_share=0.5"), ("subsets.csv", "summary.md")),
    ],
)
def test_the_command_writes_tables(
    world: tuple[Path, MaskPool, MaskTruth], tmp_path: Path, extra: tuple[str, ...], files: tuple[str, ...]
) -> None:
    root = world[0]
    data = [f"pseudo_labels={root}/pseudo_labels", f"truth={root}/ground_truth", f"classes={root}/classes.yaml"]
    arguments = ["run", "posterior-pascal", *data, f"output={tmp_path}", "budget=10", "batch_share=0.3", "seeds=1,2"]
    assert main([*arguments, *extra]) == 0
    for file in files:
        assert (tmp_path / "results" / "posterior-pascal" / file).stat().st_size


def test_a_simulation_without_masks_is_refused(
    world: tuple[Path, MaskPool, MaskTruth], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root, pool, _ = world
    (root / "one.txt").write_text(next(image_id for image_id in pool.image_id if not is_held_out(image_id)))
    data = [f"pseudo_labels={root}/pseudo_labels", f"truth={root}/ground_truth", f"classes={root}/classes.yaml"]
    arguments = [*data, f"ids={root}/one.txt", f"output={tmp_path}", "images=held_out"]
    assert main(["run", "posterior-pascal", *arguments]) == 2
    assert "has no mask in the 0 images of images=held_out" in capsys.readouterr().err


@pytest.mark.parametrize("setting", ["level=83.04", "error_rates=0,5"])
def test_percentages_are_refused(setting: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "posterior-pascal", "truth=a", "pseudo_labels=b", setting]) == 2
    assert setting.split("=")[0] in capsys.readouterr().err


def test_perfect_selection_does_not_begin_by_area(world: tuple[Path, MaskPool, MaskTruth]) -> None:
    _, pool, truth = world
    score = by_truth(pool, truth)(np.zeros((len(pool), pool.num_classes + 1), dtype=np.int64)).score
    assert (score[truth.majority == pool.label] == 0).all()
    assert (score[(truth.majority != pool.label) & (truth.majority < pool.num_classes)] > 0).all()


def test_unknown_keys_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "posterior-pascal", "truth=a", "pseudo_labels=b", "bugdet=3"]) == 2
    assert "budget" in capsys.readouterr().err
