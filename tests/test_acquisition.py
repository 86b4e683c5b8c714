"""Scores and statistics against a loop written from the formulas, and what must not change them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from a2lc.acquisition import ACQUISITIONS, adaptive_class_weights, class_imbalance, score_masks, select_masks
from a2lc.mask_statistics import mask_statistics


def make_case(seed: int, classes: int = 5, size: tuple[int, int] = (9, 11), masks: int = 6) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (classes, *size))
    probabilities = np.exp(logits) / np.exp(logits).sum(0)
    labels = rng.integers(0, classes, size).astype(np.uint8)
    labels[rng.random(size) < 0.1] = 255
    ids = rng.choice([0, 1, 2, 5, 300, 301, 4000][: masks + 1], size)
    return probabilities.astype(np.float32), labels, ids.astype(np.int32)


def brute_force(probabilities: Any, labels: Any, masks: Any, name: str, weights: Any) -> dict[int, float]:
    """ABC, SIM and area, pixel by pixel from the formulas."""
    scores = {}
    for mask in sorted(set(masks.ravel().tolist()) - {0}):
        pixels = [tuple(p) for p in np.argwhere(masks == mask)]
        vectors = {p: probabilities[:, p[0], p[1]].astype(np.float64) for p in pixels}
        predicted = {p: int(np.argmax(vectors[p])) for p in pixels}
        votes = [sum(predicted[p] == c for p in pixels) for c in range(len(probabilities))]
        core = [p for p in pixels if predicted[p] == votes.index(max(votes))]
        mean = sum(vectors[p] for p in core) / len(core)

        def cosine(a: np.ndarray, b: np.ndarray) -> float:
            return float(a @ b / math.sqrt(a @ a) / math.sqrt(b @ b))

        best = max(core, key=lambda p: cosine(mean, vectors[p]))  # max keeps the first of equals
        reference = {"abc": mean, "sim": vectors[best]}.get(name, mean)
        total = 0.0
        for p in pixels:
            label = predicted[p] if labels[p] == 255 else int(labels[p])
            weight = weights[label] if name == "abc" else 1.0
            total += 1.0 if name == "area" else cosine(reference, vectors[p]) * weight * (1 - vectors[p][label])
        scores[mask] = total
    return scores


@pytest.mark.parametrize("name", ["abc", "sim", "area"])
@pytest.mark.parametrize("seed", range(4))
def test_equals_brute_force(name: str, seed: int) -> None:
    case = make_case(seed)
    weights = np.random.default_rng(seed).random(5)
    scored = score_masks(*case, name, weights)
    expected = brute_force(*case, name, weights)
    assert scored.mask_id.tolist() == list(expected)
    assert scored.score == pytest.approx(list(expected.values()), rel=1e-5)


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
@given(seed=st.integers(0, 10**6), name=st.sampled_from(["abc", "sim"]))
def test_renaming_masks_changes_no_score(seed: int, name: str) -> None:
    probabilities, labels, masks = make_case(seed)
    ids = np.unique(masks[masks > 0])
    renamed = dict(zip(ids, np.random.default_rng(seed).permutation(ids), strict=True))
    shuffled = np.vectorize(lambda mask: renamed.get(mask, 0))(masks)
    before, after = score_masks(probabilities, labels, masks, name), score_masks(probabilities, labels, shuffled, name)
    mapped = dict(zip(after.mask_id.tolist(), after.score, strict=True))
    for mask, score in zip(before.mask_id.tolist(), before.score, strict=True):
        assert mapped[renamed[mask]] == pytest.approx(score, rel=1e-9)


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
    with pytest.raises(ValueError, match="did you mean sim"):
        score_masks(probabilities, labels, masks, "simm")
    with pytest.raises(ValueError, match="needs a generator"):
        score_masks(probabilities, labels, masks, "random")
    assert set(ACQUISITIONS) == {"abc", "sim", "area", "random"}


def test_selection_breaks_ties_by_name_and_excludes() -> None:
    scores = {("b", 1): 1.0, ("a", 10): 1.0, ("a", 2): 1.0, ("c", 1): 5.0, ("d", 1): 0.0}
    assert select_masks(scores, 3) == [("c", 1), ("a", 2), ("a", 10)]
    assert select_masks(scores, 99, exclude=[("c", 1), ("a", 2)]) == [("a", 10), ("b", 1), ("d", 1)]
    with pytest.raises(ValueError, match="mask 1 of 'e'"):
        select_masks({("e", 1): float("nan")}, 1)
