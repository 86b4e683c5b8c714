"""What an audit is made of: folds, masks, evidence and scores by brute force, reasons."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from a2lc.audit import AuditSettings
from a2lc.audit.choice import choose_masks
from a2lc.audit.evidence import mask_evidence
from a2lc.audit.folds import assign_folds, unseen_classes
from a2lc.audit.labels import Survey, open_labels, survey
from a2lc.audit.masks import find_masks
from a2lc.audit.reasons import reason
from a2lc.audit.scores import calibrated_votes, candidates, judge, pooled_votes
from a2lc.classes import ClassSet, parse_classes
from a2lc.datasets import open_dataset
from a2lc.foundation.errors import InputError
from a2lc.foundation.images import write_image, write_label_map
from a2lc.loop.config import load_config
from tests.support.audit_case import two_things


@pytest.fixture(scope="module")
def things() -> ClassSet:
    """Two classes of things and background."""
    return two_things()


# ---- folds


@given(
    st.lists(st.frozensets(st.integers(0, 5)), min_size=2, max_size=30),
    st.integers(2, 6),
    st.integers(0, 3),
)
def test_folds_share_out_images_and_classes(classes: list[frozenset[int]], folds: int, seed: int) -> None:
    classes_of = {f"image{index}": of_image for index, of_image in enumerate(classes)}
    if len(classes_of) < folds:
        with pytest.raises(InputError, match=f"there are {len(classes_of)}"):
            assign_folds(classes_of, folds, seed)
        return
    fold_of = assign_folds(classes_of, folds, seed)
    assert list(fold_of) == list(classes_of)
    assert set(fold_of.values()) == set(range(folds))
    alone = {
        (fold_of[image_id], k)
        for image_id, of_image in classes_of.items()
        for k in of_image
        if not any(k in classes_of[other] and fold_of[other] != fold_of[image_id] for other in classes_of)
    }
    assert unseen_classes(classes_of, fold_of) == alone


def test_a_class_in_few_images_is_spread_over_the_folds() -> None:
    classes_of = {f"image{index:02d}": frozenset({0, 7} if index < 3 else {0}) for index in range(20)}
    fold_of = assign_folds(classes_of, 4, seed=1)
    assert len({fold_of[f"image{index:02d}"] for index in range(3)}) == 3
    assert sorted(list(fold_of.values()).count(fold) for fold in range(4)) == [5, 5, 5, 5]
    assert fold_of != assign_folds(classes_of, 4, seed=2)


# ---- masks


def test_components_by_hand(things: ClassSet) -> None:
    labels = np.array(
        [
            [1, 1, 0, 2, 2],
            [1, 0, 0, 2, 255],
            [0, 1, 0, 0, 2],
            [0, 0, 0, 0, 0],
            [2, 2, 2, 2, 1],
        ],
        dtype=np.uint8,
    )
    image = np.zeros((5, 5, 3), dtype=np.uint8)
    masks = find_masks(image, labels, things, AuditSettings(min_pixels=3))
    assert masks.tolist() == [  # corners connect; the 1 at the lower right is too small
        [1, 1, 0, 2, 2],
        [1, 0, 0, 2, 0],
        [0, 1, 0, 0, 2],
        [0, 0, 0, 0, 0],
        [3, 3, 3, 3, 0],
    ]
    with_background = find_masks(image, labels, things, AuditSettings(min_pixels=1, background=True))
    assert (with_background == 0).sum() == 1


@given(st.integers(0, 1000), st.booleans())
def test_superpixels_lie_within_components(seed: int, background: bool) -> None:
    rng = np.random.default_rng(seed)
    things = parse_classes({"classes": ["background", "a", "b"], "unmasked": "background"}, "things")
    image = rng.integers(0, 256, (24, 32, 3), dtype=np.uint8)
    labels = np.kron(rng.choice([0, 1, 2, 255], (3, 4)), np.ones((8, 8))).astype(np.uint8)
    settings = AuditSettings(masks="superpixels", superpixels=12, min_pixels=5, background=background)
    masks = find_masks(image, labels, things, settings)
    components = find_masks(image, labels, things, AuditSettings(min_pixels=1, background=background))
    for mask in range(1, int(masks.max()) + 1):
        inside = masks == mask
        assert inside.sum() >= 5
        assert len(np.unique(components[inside])) == 1
        assert components[inside][0] > 0


# ---- evidence and scores


@given(st.integers(0, 10_000))
def test_evidence_and_scores_by_brute_force(seed: int) -> None:
    rng = np.random.default_rng(seed)
    height, width, classes, void = 5, 6, 4, 255
    logits = 4 * rng.normal(size=(classes, height, width))
    probabilities = (np.exp(logits) / np.exp(logits).sum(axis=0)).astype(np.float32)
    masks = rng.integers(0, 4, (height, width))
    kinds = rng.integers(0, 3, 4)
    labels, issues = kinds[masks].astype(np.uint8), rng.random((height, width)) < 0.3
    found = mask_evidence(torch.from_numpy(probabilities), labels, masks, issues, void)
    present = [mask for mask in range(1, 4) if (masks == mask).any()]
    assert found.mask_id.tolist() == present
    suspicion = judge(found, np.zeros(len(found), dtype=np.int64), None)
    competing = sorted({int(kinds[mask]) for mask in present})
    for row, mask in enumerate(present):
        points, votes, softmin, weights = np.argwhere(masks == mask), np.zeros(classes), 0.0, 0.0
        y, taken = int(kinds[mask]), np.zeros(classes)
        for r, c in points:
            p = probabilities[:, r, c].astype(float)
            votes += np.log(np.maximum(p, 1e-6)) / len(points)
            taken[p.argmax()] += 1 / len(points)
            weight = np.exp((1 - p[y]) / 0.1)
            softmin, weights = softmin + weight * p[y], weights + weight
        shares = {k: np.exp(votes[k]) for k in competing}
        np.testing.assert_allclose(found.share[row], taken, atol=1e-9)
        assert suspicion.scores["pooled"][row] == pytest.approx(1 - shares[y] / sum(shares.values()), abs=1e-5)
        assert suspicion.scores["softmin"][row] == pytest.approx(1 - softmin / weights, abs=1e-5)
        mean = np.mean([probabilities[y, r, c] for r, c in points])
        assert suspicion.scores["lcil"][row] == pytest.approx(1 - mean, abs=1e-5)
        assert suspicion.scores["issues"][row] == pytest.approx(np.mean([issues[r, c] for r, c in points]))
        # a single fold: no other masks to learn from
        assert suspicion.predicted[row] == max(shares, key=lambda k: (shares[k], -k))
        assert suspicion.scores["calibrated"][row] == suspicion.scores["pooled"][row]


def test_image_without_masks_has_no_evidence() -> None:
    probabilities = torch.full((3, 2, 2), 1 / 3)
    nothing = np.zeros((2, 2), dtype=np.uint8)
    found = mask_evidence(probabilities, nothing, nothing, nothing > 0, 255)
    assert (len(found), found.share.shape, found.log_probability.shape) == (0, (0, 3), (0, 3))
    assert judge(found, np.zeros(0, dtype=np.int64), None).suspicious.shape == (0,)


def test_background_competes_where_there_is_one_class_only() -> None:
    given_classes = np.array([2, 2])
    assert candidates(given_classes, 4, background=0).tolist() == [True, False, True, False]
    assert candidates(np.array([1, 2]), 4, background=0).tolist() == [False, True, True, False]
    votes = pooled_votes(np.log([[0.7, 0.1, 0.2, 0.0001]]), np.array([False, True, True, False]))
    np.testing.assert_allclose(votes, [[0, 1 / 3, 2 / 3, 0]])


def test_calibration_knows_what_the_network_always_mistakes() -> None:
    """Masks of class 2 look like class 1 to the network, only a little less so; class 1 always looks like itself."""
    rng = np.random.default_rng(0)
    given_classes, folds = np.repeat([1, 2], 60), np.tile(np.arange(3), 40)
    certainty = np.where(given_classes == 1, 4.0, 1.0) + 0.2 * rng.normal(size=120)
    logs = np.stack([np.full(120, -9.0), -np.log1p(np.exp(-certainty)), -np.log1p(np.exp(certainty))], axis=1)
    given_classes[60] = 1  # a wrong label: it looks like the others of class 2
    pooled = pooled_votes(logs, candidates(given_classes, 3, None))
    calibrated = calibrated_votes(logs, pooled, given_classes, folds)
    np.testing.assert_allclose(calibrated.sum(axis=1), 1)
    rows = np.arange(120)
    assert (1 - calibrated[rows, given_classes]).argmax() == 60
    assert (1 - pooled[rows, given_classes])[60] < 0.5 < (1 - pooled[rows, given_classes])[61:].min()
    only = calibrated_votes(logs[:2], pooled[:2], np.array([1, 2]), np.array([0, 1]))
    np.testing.assert_array_equal(only, pooled[:2])  # one class in the other fold: nothing to learn


def test_reasons(things: ClassSet) -> None:
    def say(given: int, predicted: int, share: list[float], unseen: bool = False) -> str:
        return reason(given, predicted, np.array(share), unseen, things)

    start = "The network, which did not see this image, takes"
    assert say(1, 2, [0.1, 0.07, 0.83]) == f"{start} 83% of its pixels for blue <box> and 7% for red box."
    assert say(1, 2, [0.17, 0, 0.83]) == f"{start} 83% of its pixels for blue <box> and none for red box."
    assert say(1, 1, [0.1, 0.6, 0.3]) == f"{start} 60% of its pixels for red box, too."
    assert say(1, 1, [0.9, 0, 0.1]) == f"{start} 90% of its pixels for background, as usual for red box."
    assert say(1, 2, [0.7, 0.1, 0.2]).endswith("for background, but blue <box> (20%) is likelier than red box.")
    assert say(1, 2, [1, 0, 0]).endswith("for background, as it does with blue <box> rather than with red box.")
    assert say(1, 2, [0.1, 0.5, 0.4]).endswith("for red box, but less clearly than usual: blue <box> is likelier.")
    assert say(1, 2, [0, 0, 1], unseen=True).startswith("No network that could judge it has seen red box")


# ---- what is a mask


def surveyed(root: Path, maps: list[NDArray[np.uint8]], classes: ClassSet) -> Survey:
    for index, labels in enumerate(maps):
        write_image(root / "images" / f"{index}.png", np.zeros((*labels.shape, 3), dtype=np.uint8))
        write_label_map(root / "ground_truth" / f"{index}.png", labels, classes.palette())
    classes.write(root / "classes.yaml")
    dataset = open_dataset(load_config("folder", [f"dataset.root={root}"])[0].dataset)
    return survey(dataset, open_labels(dataset, None))


def test_masks_are_chosen_by_the_labels(tmp_path: Path, things: ClassSet) -> None:
    objects, stuff, tiles = np.zeros((3, 40, 40), dtype=np.uint8)
    objects[5:25, 5:25] = 1
    stuff[:20] = 1
    stuff[20:] = 2
    tiles += np.kron(1 + np.indices((10, 10)).sum(axis=0) % 2, np.ones((4, 4), dtype=np.int64)).astype(np.uint8)
    tiles[::4] = 255
    tiles[:, ::4] = 255
    empty = np.zeros((40, 40), dtype=np.uint8)
    found = {
        name: surveyed(tmp_path / name, maps, things)
        for name, maps in {"objects": [objects, empty], "stuff": [stuff], "tiles": [tiles]}.items()
    }
    assert (found["objects"].covered, found["objects"].sprawling) == (0.125, 1)
    assert (found["stuff"].covered, found["stuff"].sprawling) == (1, 1)
    assert (found["tiles"].covered, found["tiles"].sprawling) == (0.5625, 0)
    kinds = {name: choose_masks(AuditSettings(), of_labels).kind for name, of_labels in found.items()}
    assert kinds == {"objects": "components", "stuff": "superpixels", "tiles": "components"}
    assert choose_masks(AuditSettings(masks="components"), found["stuff"]).kind == "components"
    small = choose_masks(AuditSettings(), dataclasses.replace(found["stuff"], sprawling=0.1))
    assert (small.kind, "10%" in small.reason) == ("components", True)


def test_superpixels_of_a_small_image_are_not_left_out(things: ClassSet) -> None:
    image = np.repeat(np.linspace(0, 255, 60).astype(np.uint8)[:, None, None], 60, axis=1).repeat(3, axis=2)
    settings = AuditSettings(masks="superpixels", superpixels=200, min_pixels=100)
    masks = find_masks(image, np.ones((60, 60), dtype=np.uint8), things, settings)
    assert masks.max() > 4
    assert (masks > 0).mean() > 0.5
