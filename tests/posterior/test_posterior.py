"""The answer posterior: its features against slow versions, what must not leak, what must not matter."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from a2lc.foundation.errors import InputError
from a2lc.posterior import (
    Belief,
    MaskPool,
    PosteriorModel,
    PosteriorSettings,
    describe_masks,
    exchange_rate,
    score_masks,
)
from a2lc.posterior.acquisition import last_of_their_class
from a2lc.posterior.answers import ANSWER_NAMES, adjacency, answer_tables
from a2lc.posterior.calibration import calibrated
from a2lc.posterior.model import PairModel
from a2lc.posterior.noise import channel, decided_answers
from a2lc.posterior.pairs import FEATURE_NAMES, build_pairs
from a2lc.posterior.shapes import dilate
from tests.support.posterior_case import (
    CLASSES,
    random_maps,
    random_pool,
    random_votes,
    slow_answer_features,
    slow_label,
    slow_ring,
    slow_shape,
)


@settings(max_examples=15)
@given(st.integers(0, 10**6))
def test_mask_features_equal_a_slow_version(seed: int) -> None:
    labels, masks = random_maps(seed)
    described = describe_masks(labels, masks, CLASSES)
    assert described.mask_id.tolist() == [mask for mask in np.unique(masks) if mask]
    for row, mask_id in enumerate(described.mask_id):
        ring = slow_ring(masks == mask_id)
        shares = np.bincount(np.minimum(labels[ring], CLASSES), minlength=CLASSES + 1)[:CLASSES] / max(ring.sum(), 1)
        assert described.label[row] == slow_label(labels, masks, mask_id)
        np.testing.assert_allclose(described.shape[row], slow_shape(labels, masks, mask_id), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(described.ring[row], shares, rtol=1e-5)
        touching = {int(described.mask_id[other]): n for own, other, n in described.neighbours if own == row}
        assert touching == {m: int((masks[ring] == m).sum()) for m in np.unique(masks[ring]) if m}
    np.testing.assert_array_equal(described.unmasked, np.bincount(labels[masks == 0], minlength=256)[:CLASSES])


def test_an_image_without_masks_is_described() -> None:
    described = describe_masks(np.zeros((5, 6), dtype=np.uint8), np.zeros((5, 6), dtype=np.int32), CLASSES)
    assert len(described) == 0
    assert described.unmasked.tolist() == [30, 0, 0, 0]
    with pytest.raises(ValueError, match="expected equal"):
        describe_masks(np.zeros((5, 6), dtype=np.uint8), np.zeros((6, 5), dtype=np.int32), CLASSES)


@given(st.integers(1, 6))
def test_dilation_reaches_every_pixel_within_the_radius(radius: int) -> None:
    point = np.zeros((15, 15), dtype=bool)
    point[7, 7] = True
    square = np.abs(np.indices(point.shape) - 7).max(axis=0) <= radius
    np.testing.assert_array_equal(dilate(point, radius), square)


@settings(max_examples=8)
@given(st.integers(0, 10**4))
def test_answer_features_equal_a_slow_version(seed: int) -> None:
    pool = random_pool(images=6, seed=seed)
    answer = decided_answers(random_votes(pool))
    pairs = build_pairs(pool, answer_tables(pool, adjacency(pool), answer))
    for row in np.random.default_rng(seed).choice(len(pairs.mask), 12):
        slow = slow_answer_features(pool, answer, int(pairs.mask[row]), int(pairs.candidate[row]))
        fast = {name: pairs.features[row, FEATURE_NAMES.index(name)] for name in ANSWER_NAMES}
        for name in ANSWER_NAMES:
            assert fast[name] == pytest.approx(slow[name], rel=1e-4, abs=1e-5), name


def test_own_answer_never_leaks_into_own_features() -> None:
    pool = random_pool()
    answer = decided_answers(random_votes(pool))
    touching = adjacency(pool)
    before = build_pairs(pool, answer_tables(pool, touching, answer))
    for mask in range(0, len(pool), 5):
        changed = answer.copy()
        changed[mask] = (answer[mask] + 2) % (CLASSES + 2) - 1  # another class, void, or none at all
        after = build_pairs(pool, answer_tables(pool, touching, changed))
        own, same = before.mask == mask, after.mask == mask
        assert before.candidate[own].tolist() == after.candidate[same].tolist()
        np.testing.assert_allclose(before.features[own], after.features[same], rtol=1e-4, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(("error_rate", "calibration"), [(0.0, False), (0.1, False), (0.0, True), (0.1, True)])
def test_the_order_of_images_changes_nothing(error_rate: float, calibration: bool) -> None:
    chosen = PosteriorSettings(error_rate=error_rate, calibration=calibration)
    believed = []
    for order in (np.arange(12), np.random.default_rng(1).permutation(12)):
        pool = random_pool(order=order)
        model = PosteriorModel(pool, chosen, seed=3)
        belief = model.update(random_votes(pool))
        rows = zip(pool.keys(), belief.probability, belief.label, model.score(belief), strict=True)
        believed.append({key: rest for key, *rest in rows})
    for key, (probability, label, score) in believed[0].items():
        np.testing.assert_allclose(probability, believed[1][key][0], atol=1e-3)
        assert label == believed[1][key][1]
        assert score == pytest.approx(believed[1][key][2], rel=1e-2)


def test_without_answers_the_order_is_by_area_and_no_label_changes() -> None:
    pool = random_pool()
    model = PosteriorModel(pool, PosteriorSettings(), seed=1)
    belief = model.update(np.zeros((len(pool), CLASSES + 1), dtype=np.int64))
    np.testing.assert_array_equal(model.score(belief), pool.pixels)
    np.testing.assert_array_equal(belief.label, pool.label)


def test_answered_masks_are_one_hot_and_not_asked_again() -> None:
    pool = random_pool()
    votes = random_votes(pool)
    model = PosteriorModel(pool, PosteriorSettings(), seed=1)
    belief = model.update(votes)
    asked = votes.sum(axis=1) > 0
    np.testing.assert_array_equal(belief.probability[asked], votes[asked, :CLASSES])
    np.testing.assert_array_equal(belief.label[asked], votes[asked].argmax(axis=1))
    np.testing.assert_allclose(belief.probability[~asked].sum(axis=1), 1)
    np.testing.assert_array_equal(np.isneginf(model.score(belief)), asked)


def test_score_is_the_expected_gain_written_out() -> None:
    pool = random_pool(images=4)
    model = PosteriorModel(pool, PosteriorSettings(), seed=1)
    votes = random_votes(pool)
    belief = model.update(votes)
    value, scores = exchange_rate(pool, belief), score_masks(pool, belief, PosteriorSettings())
    for mask in np.flatnonzero(votes.sum(axis=1) == 0):
        label = belief.label[mask]
        own = value[label] if label < CLASSES else 0.0
        gain = sum(belief.probability[mask, b] * (own + value[b]) for b in range(CLASSES) if b != label)
        assert scores[mask] == pytest.approx(pool.pixels[mask] * gain)


def test_a_click_saves_the_last_hope_of_a_class() -> None:
    frequent, rare = np.zeros((2, 20, 20), dtype=np.uint8)
    frequent[2:12, 2:12], rare[15:17, 15:17] = 1, 3
    images = [frequent] * 5 + [rare] * 21
    described = [(str(k), describe_masks(image, image.astype(np.int32), CLASSES)) for k, image in enumerate(images)]
    pool = MaskPool.collect(described, CLASSES, background=0)
    hope, asked = len(pool) - 1, np.zeros(len(pool), dtype=np.int64)
    asked[5:hope] = 1  # all of them background
    probability = np.array([[0.5, 0.5, 0, 0]] * 5 + [[1.0, 0, 0, 0]] * 20 + [[0.88, 0, 0, 0.12]])
    belief = Belief(probability, np.where(pool.label == 3, 0, pool.label), asked)
    assert score_masks(pool, belief, PosteriorSettings(least_evidence=0.1)).argmax() == hope
    assert score_masks(pool, belief, PosteriorSettings(least_evidence=0.3)).argmax() != hope
    assert not len(last_of_their_class(pool, Belief(probability, pool.label, asked), 0.1))


def overconfident_case() -> tuple[MaskPool, NDArray[np.float64], NDArray[np.float64]]:
    """Masks that are said to be what they are labelled with at .95, and are so in two thirds of the cases."""
    pool = random_pool(images=60)
    labelled = np.minimum(pool.label, CLASSES - 1)
    probability = np.full((len(pool), CLASSES), 0.05 / (CLASSES - 1))
    probability[np.arange(len(pool)), labelled] = 0.95
    right = np.random.default_rng(1).random(len(pool)) < 2 / 3
    answer = np.where(right, labelled, (labelled + 1) % CLASSES)
    return pool, probability, np.eye(CLASSES)[answer]


def test_calibration_takes_back_confidence_that_answers_contradict() -> None:
    pool, probability, likelihood = overconfident_case()
    everyone, fold = np.arange(len(pool)), np.arange(len(pool)) % 3
    better = calibrated(pool, probability, probability, likelihood, everyone, fold)
    np.testing.assert_allclose(better.sum(axis=1), 1)
    assert better.max(axis=1).mean() == pytest.approx(2 / 3, abs=0.08)
    assert -np.log((better * likelihood).sum(axis=1)).mean() < -np.log((probability * likelihood).sum(axis=1)).mean()


def test_a_calibration_that_explains_no_unseen_answer_better_is_not_applied() -> None:
    pool, probability, _ = overconfident_case()
    answer = probability.argmax(axis=1)
    answer[0] = (answer[0] + 1) % CLASSES  # one wrong in twenty, as was said
    told, fold = np.arange(20), np.arange(len(pool)) % 3
    after = calibrated(pool, probability, probability, np.eye(CLASSES)[answer], told, fold)
    np.testing.assert_array_equal(after, probability)


def test_a_feature_that_does_not_vary_has_no_weight() -> None:
    pool = random_pool()
    pairs = build_pairs(pool, answer_tables(pool, adjacency(pool), decided_answers(random_votes(pool))))
    features = pairs.features.copy()
    features[:, FEATURE_NAMES.index("masks")] = 1234.567  # rounding makes its deviation larger than 1e-6
    still = dataclasses.replace(pairs, features=features)
    model = PairModel.fit(still, np.ones(len(features), dtype=bool), pairs.mask % 2 == 0, 0.1)
    assert model.scale[FEATURE_NAMES.index("masks")] == 1


def test_doubtful_answers_are_asked_again_and_overruled() -> None:
    votes = np.array([[2, 1, 0], [0, 1, 0], [1, 1, 0], [0, 0, 0]])
    assert decided_answers(votes).tolist() == [0, 1, -1, -1]
    likelihood = channel(votes, 0.1)
    np.testing.assert_allclose(likelihood[0], [0.9**2 * 0.1, 0.1**2 * 0.9])
    np.testing.assert_allclose(likelihood[3], 1)
    pool = random_pool()
    model = PosteriorModel(pool, PosteriorSettings(error_rate=0.2, opinions=2), seed=1)
    votes = random_votes(pool)
    score = model.score(model.update(votes))
    assert (np.isfinite(score) & (votes.sum(axis=1) == 1)).any()
    assert np.isneginf(model.score(model.update(2 * votes))[votes.sum(axis=1) == 1]).all()


def test_a_network_adds_candidates_and_features() -> None:
    pool = random_pool()
    network = np.full((len(pool), CLASSES), 0.1, dtype=np.float32)
    network[np.arange(len(pool)), np.arange(len(pool)) % CLASSES] = 0.7
    votes = random_votes(pool)
    with_network, without = (
        PosteriorModel(pool, PosteriorSettings(), 1, view).update(votes) for view in (network, None)
    )
    assert not np.allclose(with_network.probability, without.probability)


def test_a_pool_is_read_back_and_cut_to_images(tmp_path: Path) -> None:
    pool = random_pool()
    pool.write(tmp_path / "pool.npz")
    again = MaskPool.read(tmp_path / "pool.npz")
    assert again.keys() == pool.keys()
    assert again.background == 0
    np.testing.assert_array_equal(again.shape, pool.shape)
    part = pool.subset([2, 5])
    alone = random_pool(order=np.array([2, 5]))
    assert part.keys() == alone.keys()
    np.testing.assert_array_equal(part.neighbours, alone.neighbours)
    np.testing.assert_array_equal(part.unmasked, alone.unmasked)
    for kept in (0, 100, (tmp_path / "pool.npz").stat().st_size // 2):
        (tmp_path / "cut.npz").write_bytes((tmp_path / "pool.npz").read_bytes()[:kept])
        with pytest.raises(InputError, match=r"cut\.npz cannot be read"):
            MaskPool.read(tmp_path / "cut.npz")
