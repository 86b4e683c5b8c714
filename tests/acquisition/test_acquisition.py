"""Scores and statistics against a loop written from the formulas, and what must not change them."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from a2lc.acquisition import ACQUISITIONS, adaptive_class_weights, class_imbalance, score_masks, select_masks
from a2lc.mask_statistics import mask_statistics
from tests.support.acquisition_formulas import FORMULAS, Picture, cosine, make_case


@pytest.mark.parametrize("name", sorted(FORMULAS))
@pytest.mark.parametrize("seed", range(3))
def test_equals_its_formula(name: str, seed: int) -> None:
    case = make_case(seed)
    weights = np.random.default_rng(seed).random(5)
    scored = score_masks(*case, name, weights)
    expected = [FORMULAS[name](Picture(*case), Picture(*case).mask(mask), weights) for mask in scored.mask_id]
    assert scored.score == pytest.approx(expected, rel=1e-5, abs=1e-7)


def test_every_acquisition_has_a_formula() -> None:
    assert set(ACQUISITIONS) == {*FORMULAS, "random", "posterior"}  # the last is area, until there are answers


@pytest.mark.parametrize("name", sorted(FORMULAS))
def test_equals_its_formula_on_golden_inputs(shared: Path, name: str) -> None:
    with np.load(shared / "golden" / "inputs_and_labels.npz") as file:
        image = sorted(key.rsplit("/", 1)[0] for key in file.files if key.endswith("/masks"))[0]
        f, y = file[f"{image}/probabilities_round1"].astype(np.float32), file[f"{image}/labels_round0"]
        masks = file[f"{image}/masks"]
    row, column = np.argwhere(np.diff(masks.astype(int), axis=1) != 0)[0]  # a window on a border: the loop is slow
    window = np.s_[max(row - 15, 0) : row + 15, max(column - 20, 0) : column + 20]
    f, y, masks = f[:, *window], y[window], masks[window]
    weights = np.linspace(0.1, 1, len(f))
    scored, picture = score_masks(f, y, masks, name, weights), Picture(f, y, masks)
    expected = [FORMULAS[name](picture, picture.mask(mask), weights) for mask in scored.mask_id]
    assert expected
    assert scored.score == pytest.approx(expected, rel=1e-4, abs=1e-6)


def test_statistics_equal_a_loop() -> None:
    probabilities, labels, masks = make_case(7)
    statistics = mask_statistics(probabilities, labels, masks)
    for row, mask in enumerate(statistics.mask_id):
        inside = masks == mask
        counts = np.bincount(labels[inside], minlength=256)
        assert statistics.pixels[row] == inside.sum()
        assert statistics.label[row] == counts.argmax()
        assert statistics.mean_probability[row] == pytest.approx(probabilities[:, inside].mean(1), abs=1e-6)
        assert masks[tuple(statistics.representative[row])] == mask


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), name=st.sampled_from(sorted(FORMULAS)))
def test_renaming_masks_changes_no_score(seed: int, name: str) -> None:
    probabilities, labels, masks = make_case(seed)
    ids = np.unique(masks[masks > 0])
    renamed = dict(zip(ids, np.random.default_rng(seed).permutation(ids), strict=True))
    shuffled = np.vectorize(lambda mask: renamed.get(mask, 0))(masks)
    before, after = score_masks(probabilities, labels, masks, name), score_masks(probabilities, labels, shuffled, name)
    mapped = dict(zip(after.mask_id.tolist(), after.score, strict=True))
    for mask, score in zip(before.mask_id.tolist(), before.score, strict=True):
        assert mapped[renamed[mask]] == pytest.approx(score, rel=1e-9)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), name=st.sampled_from(sorted(set(FORMULAS) - {"aiou", "aiou_adjusted"})))
def test_cutting_an_image_along_mask_borders_changes_no_score(seed: int, name: str) -> None:
    """AIoU is left out: its components reach across the borders of masks."""
    probabilities, labels, masks = make_case(seed)
    masks[:, :5] = np.where(masks[:, :5] > 0, 1, 0)
    masks[:, 5:] = np.where(masks[:, 5:] > 0, 2, 0)
    whole = score_masks(probabilities, labels, masks, name)
    for part in (np.s_[:, :5], np.s_[:, 5:]):
        cut = score_masks(probabilities[:, *part], labels[part], masks[part], name)
        assert cut.score == pytest.approx(whole.score[np.isin(whole.mask_id, cut.mask_id)], rel=1e-6)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_errors_of_labels_lie_between_0_and_1(seed: int) -> None:
    case = make_case(seed)
    for name in ("cil", "lcil", "softmin", "aiou", "aiou_adjusted"):
        score = score_masks(*case, name).score
        assert ((score >= -1e-9) & (score <= 1 + 1e-9)).all()


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_identities_between_acquisitions(seed: int) -> None:
    probabilities, labels, masks = make_case(seed)
    known = np.where(labels == 255, probabilities.argmax(0), labels)
    error = 1 - np.take_along_axis(probabilities, known[None], 0)[0]
    lcil = score_masks(probabilities, labels, masks, "lcil")
    assert lcil.score == pytest.approx([error[masks == mask].mean() for mask in lcil.mask_id], rel=1e-5)
    # the same prediction everywhere: every similarity is 1, and SIM the sum of the errors
    constant = np.broadcast_to(probabilities[:, :1, :1], probabilities.shape).copy()
    sim, lcil = score_masks(constant, labels, masks, "sim"), score_masks(constant, labels, masks, "lcil")
    assert sim.score == pytest.approx(lcil.score * lcil.pixels, rel=1e-5)
    # balanced classes weigh 1: ABC is then SIM with the core's mean as the reference
    balanced = adaptive_class_weights(np.full(5, 10))
    abc = score_masks(probabilities, labels, masks, "abc", balanced)
    picture = Picture(probabilities, labels, masks)
    for mask, score in zip(abc.mask_id, abc.score, strict=True):
        m = picture.mask(mask)
        reference = picture.core_mean(m)
        assert score == pytest.approx(sum(cosine(reference, picture.vector(x)) * picture.c(x) for x in m), rel=1e-5)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=30))
def test_class_weights(counts: list[int]) -> None:
    weights, seen = adaptive_class_weights(counts), [n for n in counts if n]
    kl = sum(n / sum(seen) * math.log(n / sum(seen) * len(seen)) for n in seen)
    assert class_imbalance(counts) == pytest.approx(kl, abs=1e-9)
    expected = [(min(seen) / n) ** (max(kl, 0) ** 3) if n else 0 for n in counts]
    assert weights == pytest.approx(expected, rel=1e-6)


def test_balanced_classes_weigh_the_same() -> None:
    assert adaptive_class_weights([7, 0, 7, 7]).tolist() == [1, 0, 1, 1]


def test_numpy_and_torch_agree() -> None:
    probabilities, labels, masks = make_case(3)
    from_numpy = score_masks(probabilities, labels, masks.astype(np.uint16))
    tensors = torch.from_numpy(probabilities), torch.from_numpy(labels), torch.from_numpy(masks).to(torch.uint16)
    from_torch = score_masks(*tensors)
    assert from_numpy.score.tolist() == from_torch.score.tolist()
    assert from_numpy.score.dtype == np.float64
    assert from_numpy.mean_probability.dtype == np.float32


def test_image_without_masks_and_void_mask() -> None:
    probabilities, labels, masks = make_case(1)
    assert len(score_masks(probabilities, labels, np.zeros_like(masks))) == 0
    void = np.full_like(labels, 255)
    scored = score_masks(probabilities, void, masks)
    assert set(scored.label.tolist()) == {255}
    assert np.isfinite(scored.score).all()


def test_random_follows_its_generator() -> None:
    case = make_case(2)
    first, again, other = (score_masks(*case, "random", generator=np.random.default_rng(s)).score for s in (5, 5, 6))
    assert first.tolist() == again.tolist() != other.tolist()


def test_wrong_use_is_told() -> None:
    probabilities, labels, masks = make_case(0)
    with pytest.raises(ValueError, match="sum to 1"):
        score_masks(probabilities * 1.02, labels, masks)
    with pytest.raises(ValueError, match="last two axes"):
        score_masks(probabilities.transpose(1, 2, 0), labels, masks)
    with pytest.raises(ValueError, match=r"label 7 is neither one of 5 classes nor void"):
        score_masks(probabilities, np.full_like(labels, 7), masks)
    with pytest.raises(ValueError, match="label -1 is neither"):
        score_masks(probabilities, np.full(labels.shape, -1), masks)
    with pytest.raises(ValueError, match="did you mean sim"):
        score_masks(probabilities, labels, masks, "simm")
    with pytest.raises(ValueError, match="needs a generator"):
        score_masks(probabilities, labels, masks, "random")


def test_selection_breaks_ties_by_name_and_excludes() -> None:
    scores = {("b", 1): 1.0, ("a", 10): 1.0, ("a", 2): 1.0, ("c", 1): 5.0, ("d", 1): 0.0}
    assert select_masks(scores, 3) == [("c", 1), ("a", 2), ("a", 10)]
    assert select_masks(scores, 99, exclude=[("c", 1), ("a", 2)]) == [("a", 10), ("b", 1), ("d", 1)]
    with pytest.raises(ValueError, match="mask 1 of 'e'"):
        select_masks({("e", 1): float("nan")}, 1)
