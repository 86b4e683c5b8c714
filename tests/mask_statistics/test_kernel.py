"""The compiled passes against the formulas pixel by pixel, against torch, and what must not change their results."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from a2lc.acquisition import MaskScores, score_masks
from a2lc.mask_statistics import gather_pixels, mask_statistics, summarise
from a2lc.mask_statistics.pixels import MaskPixels, torch_pixels
from a2lc.mask_statistics.spans import spans_at, spans_of_map
from tests.support.acquisition_formulas import Picture, abc, cosine

Case = tuple[np.ndarray, np.ndarray, np.ndarray]


def draw(seed: int, classes: int, size: tuple[int, int], masks: int, void: float = 0.1, block: int = 1) -> Case:
    """Probabilities, labels with some void, and that many masks (at most) of blocks, some of the image under none."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (classes, *size))
    probabilities = np.exp(logits) / np.exp(logits).sum(0)
    labels = rng.integers(0, classes, size).astype(np.uint8)
    labels[rng.random(size) < void] = 255
    ids = rng.integers(0, masks + 1, (-(-size[0] // block), -(-size[1] // block))) * 7
    ids = ids.repeat(block, 0).repeat(block, 1)[: size[0], : size[1]]
    return probabilities.astype(np.float32), labels, ids.astype(np.int32)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    classes=st.integers(1, 9),
    size=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    masks=st.integers(0, 6),
    void=st.sampled_from([0.0, 0.3, 1.0]),
    block=st.integers(1, 4),
)
def test_equals_the_formulas(
    seed: int, classes: int, size: tuple[int, int], masks: int, void: float, block: int
) -> None:
    f, y, ids = draw(seed, classes, size, masks, void, block)
    weights = np.random.default_rng(seed).random(classes)
    scored, picture = score_masks(f, y, ids, "abc", weights), Picture(f, y, ids)
    assert scored.mask_id.tolist() == sorted(set(ids[ids > 0].tolist()))
    for row, mask in enumerate(scored.mask_id.tolist()):
        m = picture.mask(mask)
        core = picture.core(m)
        labels = [int(y[x]) for x in m]
        assert scored.pixels[row] == len(m)
        assert scored.predicted[row] == picture.predicted(core[0])
        assert scored.label[row] == min(set(labels), key=lambda label: (-labels.count(label), label))
        assert scored.mean_probability[row] == pytest.approx(np.mean([picture.vector(x) for x in m], 0), rel=1e-5)
        assert scored.score[row] == pytest.approx(abc(picture, m, weights), rel=1e-5, abs=1e-6)
        chosen, mean = tuple(scored.representative[row].tolist()), picture.core_mean(m)
        assert chosen in core
        best = cosine(mean, picture.vector(picture.representative(m)))
        assert cosine(mean, picture.vector(chosen)) == pytest.approx(best, rel=1e-6)


def test_equally_similar_pixels_are_represented_by_the_first() -> None:
    """Spans of all lengths, so that the pixels lie in every place of a vector and behind its end."""
    vector = np.array([0.61, 0.27, 0.12], dtype=np.float32)
    f = np.broadcast_to(vector[:, None, None], (3, 90, 97)).copy()
    y = np.zeros((90, 97), dtype=np.uint8)
    ids = np.tril(np.ones((90, 97), dtype=np.uint16)) * np.arange(1, 91, dtype=np.uint16)[:, None]
    f[:, 10:, 0] = [[0.5], [0.4], [0.1]]  # the first pixel of most masks is another
    expected = [[row, 0 if row < 10 or row == 0 else 1] for row in range(90)]
    assert mask_statistics(f, y, ids).representative.tolist() == expected


@pytest.fixture
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("name", ["abc", "sim", "softmin"])
def test_the_number_of_threads_changes_no_bit(name: str) -> None:
    case, found = draw(1, 5, (310, 400), 30, block=23), []
    for number in (1, 2, 5):
        torch.set_num_threads(number)
        found.append(score_masks(*case, name))
    for field in fields(MaskScores):
        values = [getattr(scores, field.name).tobytes() for scores in found]
        assert values[0] == values[1] == values[2], field.name


def by_torch(f: np.ndarray, y: np.ndarray, ids: np.ndarray) -> MaskPixels:
    position = torch.from_numpy(np.flatnonzero(ids))
    mask_id, mask = torch.unique(torch.from_numpy(ids.ravel()[position].astype(np.int64)), return_inverse=True)
    image, labels = torch.from_numpy(f).reshape(len(f), -1), torch.from_numpy(y).reshape(-1)
    return torch_pixels(image, labels, position, mask, mask_id, void=255)


@pytest.mark.parametrize("case", [draw(2, 6, (40, 70), 9, block=6), draw(3, 150, (11, 13), 40), draw(4, 3, (5, 5), 0)])
def test_equals_the_same_in_torch(case: Case) -> None:
    kernel, plain = gather_pixels(*case), by_torch(*case)
    for name in ("position", "mask", "mask_id", "labels", "labels_or_predicted", "predicted", "label_counts"):
        assert torch.equal(getattr(kernel, name), getattr(plain, name)), name
    assert torch.equal(kernel.probabilities, plain.probabilities)
    assert torch.equal(kernel.label_probability(), plain.label_probability())
    weights = torch.linspace(0.1, 1, len(case[0]), dtype=torch.float64)
    assert torch.equal(kernel.per_label(weights), plain.per_label(weights))
    left, right = summarise(kernel), summarise(plain)
    for name in ("pixels", "predicted", "mean", "core_similarity"):
        torch.testing.assert_close(getattr(left, name), getattr(right, name), rtol=1e-5, atol=1e-6)
    at = left.core_similarity[left.representative]
    torch.testing.assert_close(at, right.core_similarity[right.representative], rtol=1e-6, atol=0)
    # cut down to some of their pixels, both are what they would be if they had been gathered so
    chosen = torch.rand(len(kernel.mask), generator=torch.Generator().manual_seed(0)) < 0.5
    chosen[left.representative] = True
    left, right = summarise(kernel.where(chosen)), summarise(plain.where(chosen))
    torch.testing.assert_close(left.mean, right.mean, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(left.core_similarity, right.core_similarity, rtol=1e-5, atol=1e-6)


def test_however_the_arrays_come() -> None:
    f, y, ids = draw(5, 4, (37, 41), 300)
    expected = score_masks(f, y, ids).score.tolist()
    read_only = y.copy()
    read_only.flags.writeable = False
    last_axis = np.ascontiguousarray(f.transpose(1, 2, 0)).transpose(2, 0, 1)
    variants: list[tuple[Any, Any, Any]] = [
        (f, read_only, ids.astype(np.uint16)),
        (last_axis, np.asfortranarray(y), np.asfortranarray(ids)),
        (torch.from_numpy(f), torch.from_numpy(y).long(), torch.from_numpy(ids).long()),
        (f.astype(np.float64), y.astype(np.int64), ids.astype(np.int64) * 1_000_000),
    ]
    for variant in variants:
        assert score_masks(*variant).score.tolist() == expected
    half = torch.from_numpy(f).bfloat16()
    assert score_masks(half, y, ids).score.tolist() == score_masks(half.float(), y, ids).score.tolist()


@pytest.mark.parametrize("wrong", [np.nan, np.inf, 2.0])
def test_probabilities_that_cannot_be_are_refused_under_masks_only(wrong: float) -> None:
    f, y, ids = draw(6, 3, (30, 30), 3)
    f[1][ids == 0], y[ids == 0] = wrong, 77
    assert len(score_masks(f, y, ids)) == 3
    f[1, *np.argwhere(ids > 0)[-1]] = wrong
    with pytest.raises(ValueError, match="sum to 1"):
        score_masks(f, y, ids)


@given(seed=st.integers(0, 10**6), size=st.integers(0, 9000), longest=st.sampled_from([1, 5, 6000]))
def test_runs_hold_the_pixels_they_were_made_of(seed: int, size: int, longest: int) -> None:
    rng = np.random.default_rng(seed)
    ids = np.repeat(rng.integers(0, 4, size), rng.integers(1, longest + 1, size))[:size].astype(np.uint16)
    mask_id, spans = spans_of_map(ids)
    assert spans.positions().tolist() == np.flatnonzero(ids).tolist()
    assert mask_id[np.repeat(spans.mask, np.diff(spans.index))].tolist() == ids[ids > 0].tolist()
    assert spans.edges[0] == 0
    assert spans.edges[-1] == len(spans.start)
    position = rng.permutation(size)
    group = np.sort(rng.integers(0, 3, size))
    mixed = spans_at(position, group, 3)
    assert mixed.positions().tolist() == position.tolist()
    assert np.repeat(mixed.mask, np.diff(mixed.index)).tolist() == group.tolist()
    some = rng.integers(0, max(size, 1), 5 * (size > 0))
    assert mixed.position_of(some).tolist() == position[some].tolist()
