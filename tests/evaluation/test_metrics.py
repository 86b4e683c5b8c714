"""The confusion matrix against loops over pixels, written from the definitions."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from a2lc.evaluation.metrics import ConfusionMatrix, IndexMap, SegmentationMetrics

VOID = 255
Pixels = list[tuple[int, int]]


def matrix_of(num_classes: int, pixels: Pixels) -> ConfusionMatrix:
    """A confusion matrix of (truth, prediction) pairs."""
    truth, predicted = np.array(pixels, dtype=np.uint8).reshape(-1, 2).T
    matrix = ConfusionMatrix(num_classes)
    matrix.update(truth, predicted)
    return matrix


def brute_force(num_classes: int, pixels: Pixels) -> SegmentationMetrics:
    """Every metric by counting pixels one by one."""
    valid = [(t, p) for t, p in pixels if t < num_classes]
    kept = [(t, p) for t, p in valid if p < num_classes]
    ious: list[float | None] = []
    recalls: list[float] = []
    weighted = 0.0
    for c in range(num_classes):
        both = sum(t == c and p == c for t, p in kept)
        either = sum(t == c or p == c for t, p in kept)
        true = sum(t == c for t, _ in kept)
        ious.append(both / either if either else None)
        if true:
            recalls.append(both / true)
            weighted += true / len(kept) * both / either
    defined = [value for value in ious if value is not None]
    unions = [sum(c in pair for pair in valid) for c in range(num_classes)]
    strict = [sum(pair == (c, c) for pair in valid) / unions[c] for c in range(num_classes) if unions[c]]
    present = [ious[c] or 0.0 for c in range(num_classes) if any(t == c for t, _ in valid)]
    return SegmentationMetrics(
        mean_iou=sum(defined) / len(defined) if defined else math.nan,
        mean_iou_present=sum(present) / len(present) if present else math.nan,
        mean_iou_strict=sum(strict) / len(strict) if strict else math.nan,
        accuracy=sum(t == p for t, p in kept) / len(kept) if kept else math.nan,
        mean_class_accuracy=sum(recalls) / len(recalls) if recalls else math.nan,
        frequency_weighted_accuracy=weighted if kept else math.nan,
        class_iou=tuple(ious),
        pixels=len(valid),
        unlabelled=len(valid) - len(kept),
    )


def problems(draw: st.DrawFn) -> tuple[int, Pixels]:
    num_classes = draw(st.integers(1, 5))
    label = st.one_of(st.integers(0, num_classes - 1), st.sampled_from([num_classes, VOID]))
    return num_classes, draw(st.lists(st.tuples(label, label), max_size=30))


PROBLEMS = st.composite(problems)()


def test_hand_computed_example() -> None:
    truth = np.array([[0, 0, 1], [1, 1, VOID]], dtype=np.uint8)
    predicted = np.array([[0, 1, 1], [1, VOID, 0]], dtype=np.uint8)
    matrix = ConfusionMatrix(4)
    matrix.update(truth, predicted)

    assert matrix.counts.tolist() == [[1, 1, 0, 0], [0, 2, 0, 0], [0] * 4, [0] * 4]
    assert matrix.to_metrics() == SegmentationMetrics(
        mean_iou=pytest.approx((1 / 2 + 2 / 3) / 2),
        mean_iou_present=pytest.approx((1 / 2 + 2 / 3) / 2),
        mean_iou_strict=pytest.approx((1 / 2 + 2 / 4) / 2),
        accuracy=pytest.approx(3 / 4),
        mean_class_accuracy=pytest.approx((1 / 2 + 1) / 2),
        frequency_weighted_accuracy=pytest.approx(2 / 4 * 1 / 2 + 2 / 4 * 2 / 3),
        class_iou=(pytest.approx(1 / 2), pytest.approx(2 / 3), None, None),
        pixels=5,
        unlabelled=1,
    )


@given(PROBLEMS)
def test_agrees_with_a_loop_over_pixels(problem: tuple[int, Pixels]) -> None:
    measured, expected = matrix_of(*problem).to_metrics().to_dict(), brute_force(*problem).to_dict()
    assert measured == {
        name: pytest.approx(value) if isinstance(value, float) else value for name, value in expected.items()
    }


@given(PROBLEMS, st.integers(0, 30))
def test_parts_add_up_to_the_whole(problem: tuple[int, Pixels], cut: int) -> None:
    num_classes, pixels = problem
    whole = matrix_of(num_classes, pixels)
    first, second = matrix_of(num_classes, pixels[:cut]), matrix_of(num_classes, pixels[cut:])

    total = first + second
    first.merge(second)

    for matrix in (total, first):
        assert np.array_equal(matrix.counts, whole.counts)
        assert matrix.unlabelled == whole.unlabelled


def test_mean_iou_punishes_a_class_that_is_only_predicted_and_the_present_mean_does_not() -> None:
    matrix = matrix_of(3, [(0, 0), (0, 0), (0, 2)])
    assert matrix.mean_iou() == pytest.approx((2 / 3 + 0) / 2)
    assert matrix.mean_iou_present() == pytest.approx(2 / 3)


def test_a_class_whose_pixels_are_all_unlabelled_is_present_with_iou_zero() -> None:
    matrix = matrix_of(3, [(0, 0), (1, VOID)])
    assert matrix.mean_iou() == 1.0
    assert matrix.mean_iou_present() == 0.5
    assert np.isnan(matrix.iou()[1])


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int32, np.int64, np.uint16])
@pytest.mark.parametrize("convert", [np.asarray, torch.from_numpy], ids=["numpy", "torch"])
def test_every_integer_type_counts_alike_and_the_input_is_left_alone(
    dtype: type, convert: Callable[[np.ndarray], IndexMap]
) -> None:
    rng = np.random.default_rng(0)
    truth, predicted = (rng.choice([0, 1, 2, 5, VOID], size=(7, 9)).astype(dtype) for _ in range(2))
    before = truth.copy()
    expected = brute_force(3, list(zip(truth.flatten().tolist(), predicted.flatten().tolist(), strict=True)))

    matrix = ConfusionMatrix(3)
    matrix.update(convert(truth), convert(predicted))

    assert matrix.iou() == pytest.approx(np.array(expected.class_iou, dtype=float), nan_ok=True)
    assert matrix.unlabelled == expected.unlabelled
    assert np.array_equal(truth, before)


def test_numpy_and_torch_can_be_mixed_and_a_negative_label_is_void() -> None:
    matrix = ConfusionMatrix(2)
    matrix.update(np.array([0, 1, -1]), torch.tensor([0, -1, 1]))
    assert matrix.counts.tolist() == [[1, 0], [0, 0]]
    assert matrix.unlabelled == 1


def test_read_only_maps_and_maps_with_strides_are_fine() -> None:
    truth: NDArray[np.uint8] = np.arange(12, dtype=np.uint8).reshape(3, 4) % 3
    truth.flags.writeable = False
    matrix = ConfusionMatrix(3)
    matrix.update(truth[:, ::2], truth[:, ::2])
    assert np.trace(matrix.counts) == 6


def test_bad_input_is_refused() -> None:
    matrix = ConfusionMatrix(2)
    with pytest.raises(ValueError, match=r"truth is \(2, 3\) but predicted is \(3, 2\)"):
        matrix.update(np.zeros((2, 3), dtype=np.uint8), np.zeros((3, 2), dtype=np.uint8))
    with pytest.raises(TypeError):
        matrix.update(np.zeros(2), np.zeros(2, dtype=np.uint8))
    with pytest.raises(TypeError, match="class indices"):
        matrix.update(torch.zeros(2), torch.zeros(2, dtype=torch.uint8))
    with pytest.raises(ValueError, match="3 classes to one of 2"):
        matrix.merge(ConfusionMatrix(3))
    assert matrix.counts.sum() == 0


def test_nothing_to_compare_is_nan_and_null_in_json() -> None:
    metrics = matrix_of(2, [(VOID, 0)]).to_metrics()
    assert math.isnan(metrics.mean_iou)
    assert metrics.to_dict() == {
        "mean_iou": None,
        "mean_iou_present": None,
        "mean_iou_strict": None,
        "accuracy": None,
        "mean_class_accuracy": None,
        "frequency_weighted_accuracy": None,
        "class_iou": (None, None),
        "pixels": 0,
        "unlabelled": 0,
    }


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_maps_on_the_gpu_count_like_those_on_the_host() -> None:
    rng = np.random.default_rng(1)
    truth, predicted = (rng.choice([0, 1, 2, VOID], size=(33, 17)).astype(np.uint8) for _ in range(2))
    host, device = ConfusionMatrix(3), ConfusionMatrix(3)
    host.update(truth, predicted)
    device.update(torch.from_numpy(truth).cuda(), predicted)
    assert np.array_equal(host.counts, device.counts)
