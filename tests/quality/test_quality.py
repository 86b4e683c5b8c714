"""Label quality: agreement with cleanlab and with loops over pixels, void labels, streams, and wrong use."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch

from a2lc.quality import ClassSwap, common_label_issues, find_label_issues, issues_by_class, label_quality_scores

CASES = range(24)
WHY_CLEANLAB = "cleanlab, which the results are compared with, comes with the extra 'dev'"


@dataclass(frozen=True)
class Data:
    """N images as arrays; `pairs` gives the same as a stream."""

    labels: Any
    probabilities: Any

    def pairs(self) -> list[tuple[Any, Any]]:
        return list(zip(self.labels, self.probabilities, strict=True))


class Anew:
    """Pairs that are computed at every read, and counts the reads."""

    def __init__(self, pairs: list[tuple[Any, Any]]) -> None:
        self.pairs, self.reads = pairs, 0

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        self.reads += 1
        return ((labels.copy(), probabilities.copy()) for labels, probabilities in self.pairs)


def random_data(seed: int, void: float = 0.0) -> Data:
    """Blocks of classes, a fifth of them labelled wrongly, and a network that knows the right one more or less.

    Sizes, number of classes, types and classes without labels change with the seed; a share of labels is void.
    """
    rng = np.random.default_rng(seed)
    images, classes = int(rng.integers(1, 5)), int(rng.integers(2, 9))
    height, width = (int(side) for side in rng.integers(2, 9, 2) * 4)
    blocks = rng.integers(0, max(classes - seed % 2, 1), (2, images, height // 4, width // 4))
    truth, other = blocks.repeat(4, axis=2).repeat(4, axis=3)
    labels = np.where(rng.random((images, height // 4, width // 4)).repeat(4, 1).repeat(4, 2) < 0.2, other, truth)
    logits = rng.normal(0, 1, (images, classes, height, width)) + 2 * (
        np.arange(classes)[:, None, None] == truth[:, None]
    )
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels[rng.random(labels.shape) < void] = 255
    return Data(
        labels.astype((np.uint8, np.int64)[seed // 2 % 2]),
        probabilities.astype((np.float32, np.float64)[seed % 3 // 2]),
    )


def loop_issues(pairs: list[tuple[Any, Any]], void: int = 255) -> list[set[tuple[int, int]]]:
    """Confident learning pixel by pixel, from the formula."""
    known = [
        (image, (row, column), int(labels[row, column]), probabilities[:, row, column])
        for image, (labels, probabilities) in enumerate(pairs)
        for row, column in np.ndindex(labels.shape)
        if labels[row, column] != void
    ]
    classes = len(pairs[0][1])
    members = [[float(p[k]) for *_, y, p in known if y == k] for k in range(classes)]
    mean = [max(float(np.mean(values)), 2e-6) if values else 2e-6 for values in members]
    n = sum(int(p.argmax()) != y and p.max() >= mean[int(p.argmax())] - 1e-6 for *_, y, p in known)
    found: list[set[tuple[int, int]]] = [set() for _ in pairs]
    for image, position, y, p in sorted(known, key=lambda pixel: float(pixel[3][pixel[2]]))[:n]:
        if int(p.argmax()) != y:
            found[image].add(position)
    return found


def positions(mask: Any) -> set[tuple[int, int]]:
    return {(int(row), int(column)) for row, column in np.argwhere(mask)}


@pytest.mark.parametrize("seed", CASES)
def test_agrees_with_cleanlab(seed: int) -> None:
    pytest.importorskip("cleanlab", reason=WHY_CLEANLAB)
    from cleanlab.segmentation.filter import find_label_issues as cleanlab_issues
    from cleanlab.segmentation.rank import get_label_quality_scores as cleanlab_scores
    from cleanlab.segmentation.summary import common_label_issues as cleanlab_common
    from cleanlab.segmentation.summary import filter_by_class as cleanlab_by_class

    data = random_data(seed)
    both = data.labels, data.probabilities
    issues = cleanlab_issues(*both, n_jobs=1, verbose=False)
    assert np.array_equal(find_label_issues(*both), issues)
    for method in ("softmin", "num_pixel_issues"):
        expected, _ = cleanlab_scores(*both, method=method, n_jobs=1, verbose=False)
        np.testing.assert_allclose(label_quality_scores(*both, method=method), expected, rtol=0, atol=1e-6)
    expected, _ = cleanlab_scores(*both, temperature=0.7, verbose=False)
    np.testing.assert_allclose(label_quality_scores(*both, temperature=0.7), expected, rtol=0, atol=1e-6)
    table = cleanlab_common(issues, *both, exclude=[0], top=5, verbose=False)
    swaps = common_label_issues(issues, *both, exclude=[0], top=5)
    assert [(str(s.given), str(s.predicted), s.pixels) for s in swaps] == list(table.itertuples(index=False, name=None))
    assert np.array_equal(issues_by_class(1, issues, *both), cleanlab_by_class(1, issues, *both))


def test_the_cases_are_worth_comparing() -> None:
    found = [find_label_issues(data.labels, data.probabilities).mean() for data in map(random_data, CASES)]
    assert sum(0.02 < share < 0.5 for share in found) >= 20


@pytest.mark.parametrize("seed", range(6))
def test_void_pixels_count_as_if_they_were_not_there(seed: int) -> None:
    data = random_data(seed, void=0.3)
    pairs = data.pairs()
    known = [labels != 255 for labels in data.labels]
    without = [(y[ok][None], p[:, ok][:, None]) for (y, p), ok in zip(pairs, known, strict=True)]
    for mask, rest, ok in zip(
        find_label_issues(data.labels, data.probabilities), find_label_issues(without), known, strict=True
    ):
        assert np.array_equal(mask[ok], rest[0])
        assert not mask[~ok].any()
    for method in ("softmin", "num_pixel_issues"):
        expected = label_quality_scores(without, method=method)
        assert np.array_equal(label_quality_scores(data.labels, data.probabilities, method=method), expected)


def test_cleanlab_agrees_where_void_pixels_are_cut_out() -> None:
    pytest.importorskip("cleanlab", reason=WHY_CLEANLAB)
    from cleanlab.segmentation.filter import find_label_issues as cleanlab_issues

    data = random_data(5, void=0.25)
    known = data.labels != 255
    line = data.labels[known][None, None], np.moveaxis(data.probabilities, 1, 0)[:, known][None, :, None]
    mask = find_label_issues(data.labels, data.probabilities)
    assert np.array_equal(mask[known], cleanlab_issues(*line, n_jobs=1, verbose=False)[0, 0])


@pytest.mark.parametrize("seed", range(0, 12, 2))
def test_agrees_with_loops_over_pixels_of_different_sizes(seed: int) -> None:
    data = random_data(seed, void=0.1)
    pairs = [(y[: 3 + i, : 9 - i], p[:, : 3 + i, : 9 - i]) for i, (y, p) in enumerate(data.pairs())]
    expected = loop_issues(pairs)
    issues = find_label_issues(pairs)
    assert [positions(mask) for mask in issues] == expected
    assert [mask.shape for mask in issues] == [labels.shape for labels, _ in pairs]

    given_and_predicted = [
        (int(y[position]), int(p[(slice(None), *position)].argmax()))
        for (y, p), found in zip(pairs, expected, strict=True)
        for position in found
    ]
    swaps = common_label_issues(issues, pairs, top=None)
    assert {(s.given, s.predicted): s.pixels for s in swaps} == {
        pair: given_and_predicted.count(pair) for pair in given_and_predicted
    }
    kept = sum(int(mask.sum()) for mask in issues_by_class(0, issues, pairs))
    assert kept == sum(0 in pair for pair in given_and_predicted)

    for score, (y, p) in zip(label_quality_scores(pairs), pairs, strict=True):
        s = np.array([float(p[y[x], *x]) for x in np.ndindex(y.shape) if y[x] != 255])
        weights = np.exp((1 - s) / 0.1)
        assert score == pytest.approx(float((s * weights).sum() / weights.sum()), abs=1e-6)
    shares = label_quality_scores(pairs, method="num_pixel_issues")
    assert shares == pytest.approx(
        [1 - len(found) / int((y != 255).sum()) for (y, _), found in zip(pairs, expected, strict=True)]
    )


@pytest.mark.parametrize("seed", range(6))
def test_a_stream_gives_what_arrays_give(seed: int) -> None:
    data = random_data(seed, void=0.2)
    both, stream = (data.labels, data.probabilities), Anew(data.pairs())
    issues, streamed = find_label_issues(*both), find_label_issues(stream)
    assert stream.reads == (3 if data.probabilities.dtype == np.float32 else 5)
    for _ in range(2):
        assert np.array_equal(list(streamed), issues)
    assert common_label_issues(streamed, stream) == common_label_issues(issues, *both)
    assert np.array_equal(list(issues_by_class(1, streamed, stream)), issues_by_class(1, issues, *both))
    for method in ("softmin", "num_pixel_issues"):
        assert np.array_equal(label_quality_scores(stream, method=method), label_quality_scores(*both, method=method))


def test_torch_and_other_memory_orders_give_the_same() -> None:
    data = random_data(3)
    issues = find_label_issues(data.labels, data.probabilities)
    tensors = torch.from_numpy(data.labels), torch.from_numpy(data.probabilities).requires_grad_()
    assert np.array_equal(find_label_issues(*tensors), issues)
    assert common_label_issues(torch.from_numpy(issues), *tensors) == common_label_issues(issues, *vars(data).values())
    last = np.ascontiguousarray(np.moveaxis(data.probabilities, 1, -1))
    assert np.array_equal(find_label_issues(data.labels, np.moveaxis(last, -1, 1)), issues)
    halves = tensors[0], tensors[1].bfloat16()
    assert np.array_equal(find_label_issues(*halves), find_label_issues(halves[0], halves[1].float()))


def test_pixels_that_tie_at_the_cut_are_all_found() -> None:
    # t = (0.2, -, 0.9): only the first pixel is confidently of another class, so n = 1; three share its self-confidence
    labels = np.array([[[0, 0, 0, 0, 2, 2]]], dtype=np.uint8)
    probabilities = np.array([[0.1, 0.1, 0.1, 0.5, 0.1, 0.1], [0.0] * 6, [0.9, 0.9, 0.9, 0.5, 0.9, 0.9]])
    probabilities[1:, 1:3] = [[0.4], [0.5]]
    assert positions(find_label_issues(labels, probabilities[None, :, None])[0]) == {(0, 0), (0, 1), (0, 2)}


def test_images_without_labels_have_nothing_wrong() -> None:
    data = random_data(4)
    void = np.full_like(data.labels[0], 255)
    garbage = np.full_like(data.probabilities[0], np.nan)
    pairs = [(void, garbage), *data.pairs(), (void, garbage)]
    masks = list(find_label_issues(pairs))
    assert not masks[0].any()
    assert np.array_equal(masks[1:-1], find_label_issues(data.labels, data.probabilities))
    for method in ("softmin", "num_pixel_issues"):
        scores = label_quality_scores(pairs, method=method)
        assert scores[0] == scores[-1] == 1
    assert not find_label_issues(void[None], garbage[None]).any()
    assert common_label_issues(masks[:1], pairs[:1]) == []


def test_labels_the_network_agrees_with_have_no_issues() -> None:
    data = random_data(2)
    labels = data.probabilities.argmax(axis=1)
    assert not find_label_issues(labels, data.probabilities).any()
    assert np.array_equal(
        label_quality_scores(labels, data.probabilities, method="num_pixel_issues"), [1] * len(labels)
    )


def test_softmin_lies_between_the_least_self_confidence_and_the_mean() -> None:
    data = random_data(2)
    s = np.take_along_axis(data.probabilities, data.labels[:, None].astype(int), axis=1).reshape(len(data.labels), -1)
    cold = label_quality_scores(data.labels, data.probabilities, temperature=1e-9)
    hot = label_quality_scores(data.labels, data.probabilities, temperature=1e9)
    np.testing.assert_allclose(cold, s.min(axis=1), atol=1e-6)
    np.testing.assert_allclose(hot, s.mean(axis=1), atol=1e-6)


def test_common_issues_count_what_they_are_given() -> None:
    labels = np.array([[[0, 0, 1, 255]]], dtype=np.uint8)
    probabilities = np.array([[0.2, 0.2, 0.7, 0.5], [0.8, 0.8, 0.3, 0.5]])[None, :, None]
    everything = np.ones(labels.shape, dtype=bool)
    assert common_label_issues(everything, labels, probabilities) == [ClassSwap(0, 1, 2), ClassSwap(1, 0, 1)]
    assert common_label_issues(everything, labels, probabilities, top=1) == [ClassSwap(0, 1, 2)]
    assert common_label_issues(everything, labels, probabilities, exclude=[1]) == [ClassSwap(1, 0, 1)]


FUNCTIONS = [
    find_label_issues,
    label_quality_scores,
    lambda *data: label_quality_scores(*data, method="num_pixel_issues"),
    lambda *data: common_label_issues(np.ones((2, 4, 4), dtype=bool), *data),
    lambda *data: list(issues_by_class(0, np.ones((2, 4, 4), dtype=bool), *data)),
]


def good() -> Data:
    return Data(np.zeros((2, 4, 4), dtype=np.int64), np.full((2, 3, 4, 4), 1 / 3, dtype=np.float32))


def with_label(value: int) -> Data:
    data = good()
    data.labels[1, 2, 3] = value
    return data


WRONG = {
    "sum to 1": replace(good(), probabilities=good().probabilities * 1.02),
    "off by nan": replace(good(), probabilities=good().probabilities * np.nan),
    "negative": replace(good(), probabilities=good().probabilities + np.array([-0.6, 0.3, 0.3])[:, None, None]),
    "class axis from the end to the front": replace(good(), probabilities=np.full((2, 4, 4, 3), 1 / 3)),
    "first axis": Data(good().labels[:, :3], np.full((2, 4, 3, 4), 1 / 3)),
    "label -1 is neither one of 3 classes": with_label(-1),
    "label 3 is neither one of 3 classes": with_label(3),
    "last two axes must agree": replace(good(), probabilities=good().probabilities[..., :3]),
    "labels of 2 images but probabilities of 1": replace(good(), probabilities=good().probabilities[:1]),
    "there is no image": Data(good().labels[:0], good().probabilities[:0]),
    "image 0 is empty": Data(good().labels[:, :0], good().probabilities[:, :, :0]),
    "must be an array": replace(good(), labels=list(good().labels)),
}


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("message", WRONG)
def test_wrong_arrays_are_refused(function: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        function(WRONG[message].labels, WRONG[message].probabilities)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_wrong_streams_are_refused(function: Any) -> None:
    pairs = good().pairs()
    with pytest.raises(TypeError, match="can be read only once"):
        function(pair for pair in pairs)
    with pytest.raises(TypeError, match="iterable of"):
        function(good().labels)
    with pytest.raises(ValueError, match="there is no image"):
        function([])
    with pytest.raises(ValueError, match="image 1 has 4 classes in float32 but image 0 has 3"):
        function([pairs[0], (pairs[0][0], np.full((4, 4, 4), 0.25, dtype=np.float32))])
    with pytest.raises(ValueError, match="must be a pair"):
        function([(*pairs[0], "name")])
    with pytest.raises(TypeError, match="must be integers"):
        function([(pairs[0][0].astype(float), pairs[0][1])])


def test_a_stream_that_ends_after_its_first_read_is_refused() -> None:
    class Once:
        def __init__(self) -> None:
            self.rest = iter(good().pairs())

        def __iter__(self) -> Iterator[tuple[Any, Any]]:
            yield from self.rest

    with pytest.raises(ValueError, match="can be read only once"):
        find_label_issues(Once())


def test_wrong_settings_are_refused() -> None:
    data = good().labels, good().probabilities
    issues = np.zeros((2, 4, 4), dtype=bool)
    with pytest.raises(ValueError, match="softmin"):
        label_quality_scores(*data, method="softmax")  # type: ignore[arg-type]  # the wrong use is the test
    for temperature in (0, -1, float("nan")):
        with pytest.raises(ValueError, match="temperature"):
            label_quality_scores(*data, temperature=temperature)
    for wrong in (issues[:, :3], issues.astype(int)):
        with pytest.raises(ValueError, match="issues of image 0"):
            common_label_issues(wrong, *data)
    for wrong, word in ((issues[:1], "fewer"), (np.zeros((3, 4, 4), dtype=bool), "more")):
        with pytest.raises(ValueError, match=word):
            common_label_issues(wrong, *data)
    for wrong_class in (-1, 3):
        with pytest.raises(ValueError, match="not one of 3 classes"):
            issues_by_class(wrong_class, issues, *data)
        with pytest.raises(ValueError, match="not one of 3 classes"):
            common_label_issues(issues, *data, exclude=[wrong_class])
