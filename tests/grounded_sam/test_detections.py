"""Which detections are kept: thresholds, NMS and clipping against obvious implementations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from a2lc.foundation.errors import InputError
from grounded_sam.detections import Detections, FilterSettings, filter_detections

NAMES = ("car", "traffic light", "person")
SIZE = (30, 40)


def detections(*entries: tuple[tuple[float, float, float, float], int, float]) -> Detections:
    boxes, classes, scores = zip(*entries, strict=True) if entries else ((), (), ())
    return Detections(
        np.array(boxes, dtype=np.float32).reshape(-1, 4),
        np.array(classes, dtype=np.int64),
        np.array(scores, dtype=np.float32),
    )


def draw_detections(seed: int, count: int) -> Detections:
    """Boxes at quarters of a pixel, some outside the image, with few different scores."""
    rng = np.random.default_rng(seed)
    corners = rng.integers(-60, 160, (count, 2)) / 4
    boxes = np.hstack([corners, corners + rng.integers(1, 80, (count, 2)) / 4]).astype(np.float32)
    scores = (rng.integers(0, 21, count) / 20).astype(np.float32)
    return Detections(boxes, rng.integers(0, len(NAMES), count), scores)


def kept_by_nms(found: Detections, limit: float) -> list[int]:
    """Take the best box that is left (ties: the first), drop all of its class that overlap it too much."""
    left, kept = list(np.argsort(-found.scores, kind="stable")), []
    while left:
        best = left.pop(0)
        kept.append(int(best))
        same = [other for other in left if found.classes[other] == found.classes[best]]
        drop = {other for other in same if overlap(found.boxes[best], found.boxes[other]) > limit}
        left = [other for other in left if other not in drop]
    return sorted(kept)


def overlap(first: np.ndarray, second: np.ndarray) -> float:
    first, second = first.astype(float), second.astype(float)
    sides = np.clip(np.minimum(first[2:], second[2:]) - np.maximum(first[:2], second[:2]), 0, None)
    shared = sides.prod()
    return float(shared / ((first[2:] - first[:2]).prod() + (second[2:] - second[:2]).prod() - shared))


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), count=st.integers(0, 40), limit=st.sampled_from([0.0, 0.3, 0.5, 1.0]))
def test_nms_equals_brute_force_and_keeps_the_order(seed: int, count: int, limit: float) -> None:
    found = draw_detections(seed, count)
    kept = filter_detections(found, SIZE, FilterSettings(score_threshold=0, nms=limit), NAMES)
    scored = found.select(found.scores > 0)
    expected = scored.select(np.array(kept_by_nms(scored, limit), dtype=np.int64))
    for name in ("boxes", "classes", "scores"):
        assert np.array_equal(getattr(kept, name), getattr(expected, name))


def test_nms_does_not_mix_classes_of_boxes_that_leave_the_image() -> None:
    found = detections(((0, 0, 10, 10), 0, 0.9), ((-11, -11, -1, -1), 1, 0.8))
    assert len(filter_detections(found, SIZE, FilterSettings(nms=0.5), NAMES)) == 2


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    threshold=st.sampled_from([0.2, 0.25, 0.5]),
    single=st.dictionaries(st.sampled_from(NAMES), st.sampled_from([0.0, 0.35, 0.8])),
)
def test_thresholds_are_strict_and_by_class_name(seed: int, threshold: float, single: dict[str, float]) -> None:
    found = draw_detections(seed, 30)
    kept = filter_detections(found, SIZE, FilterSettings(score_threshold=threshold, class_thresholds=single), NAMES)
    percent = np.rint(found.scores * 100).astype(int)  # whole numbers: a score equal to its threshold is out
    wanted = [
        index
        for index, (label, score) in enumerate(zip(found.classes, percent, strict=True))
        if score > round(100 * single.get(NAMES[label], threshold))
    ]
    assert np.array_equal(kept.boxes, found.boxes[wanted])


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_clipping_equals_the_pixels_inside(seed: int) -> None:
    found = draw_detections(seed, 20)
    kept = filter_detections(found, SIZE, FilterSettings(score_threshold=0, clip=True), NAMES)
    expected = []
    for x0, y0, x1, y1 in found.boxes[found.scores > 0].tolist():
        x0, y0, x1, y1 = max(x0, 0), max(y0, 0), min(x1, SIZE[1]), min(y1, SIZE[0])
        if x1 > x0 and y1 > y0:
            expected.append([x0, y0, x1, y1])
    assert kept.boxes.tolist() == expected
    assert kept.boxes.dtype == np.float32


def test_by_default_only_the_score_decides() -> None:
    found = detections(((-5, -5, 90, 90), 0, 0.9), ((-5, -5, 90, 90), 0, 0.8), ((50, 0, 60, 9), 1, 0.2))
    kept = filter_detections(found, SIZE, FilterSettings(), NAMES)
    assert np.array_equal(kept.boxes, found.boxes[:2])


def test_no_detection_stays_no_detection() -> None:
    kept = filter_detections(detections(), SIZE, FilterSettings(nms=0.5, clip=True), NAMES)
    assert (len(kept), kept.boxes.shape) == (0, (0, 4))


def test_threshold_of_an_unknown_class_names_the_nearest() -> None:
    thresholds = FilterSettings(class_thresholds={"trafficlight": 0.3, "person": 0.2})
    with pytest.raises(InputError, match=r"'trafficlight' is not one of car.*; did you mean 'traffic light'"):
        filter_detections(detections(), SIZE, thresholds, NAMES)


@pytest.mark.parametrize("wrong", [{"nms": 1.5}, {"class_thresholds": {"car": -1}}, {"min_area": -1}, {"iou": 0.5}])
def test_settings_out_of_range_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        FilterSettings(**wrong)


def test_arrays_that_do_not_fit_together_are_refused() -> None:
    with pytest.raises(ValueError, match=r"got \(2, 4\), \(1,\), \(1,\)"):
        Detections(np.zeros((2, 4), np.float32), np.zeros(1, np.int64), np.zeros(1, np.float32))
