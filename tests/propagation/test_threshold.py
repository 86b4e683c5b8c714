"""The threshold from held-out answers, the settings, and a whole propagation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pydantic import ValidationError

from a2lc.foundation.errors import InputError
from a2lc.propagation import (
    AnsweredMasks,
    LabelCorrectionModule,
    PropagationSettings,
    choose_threshold,
    held_out_predictions,
    propagate,
    selection_criteria,
)
from tests.support.propagation_case import FEATURES, LABELS, VOID, masks_of, trusted_by_loop


def wilson_by_the_textbook(right: int, total: int, z: float = 1.0) -> float:
    share = right / total
    centre = share + z * z / (2 * total)
    margin = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    return (centre - margin) / (1 + z * z / total)


def threshold_by_loop(
    shown: Any, answered: Any, predicted: Any, confidence: Any, eligible: Any, target: float, support: int
) -> float:
    """Try every confidence as threshold."""
    changed = [i for i in range(len(shown)) if eligible[i] and predicted[i] != shown[i]]
    for threshold in sorted(float(confidence[i]) for i in changed):
        passed = [i for i in changed if confidence[i] >= threshold]
        right = sum(predicted[i] == answered[i] for i in passed)
        if len(passed) >= support and wilson_by_the_textbook(right, len(passed)) >= target - 1e-12:
            return threshold
    return math.inf


class TestThreshold:
    def test_hand_computed_example(self) -> None:
        # Sorted by confidence the changes are right, right, right, wrong, right: the bounds are
        # 1/2, 2/3, 3/4, (3.5 - √(3/4 + 1/4)) / 5 = 0.5, (4.5 - √(4/5 + 1/4)) / 6 = 0.579...
        shown, answered = np.zeros(7, dtype=int), np.array([1, 1, 1, 2, 1, 1, 0])
        predicted = np.array([1, 1, 1, 1, 1, 0, 1])  # the last but one is no change, the last is not eligible
        confidence = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 1, 1], dtype=np.float32)
        eligible = np.array([True] * 6 + [False])

        def choose(target: float, support: int = 1) -> float:
            return choose_threshold(shown, answered, predicted, confidence, eligible, target, support)

        assert choose(0.74) == pytest.approx(0.7)
        assert choose(0.75) == pytest.approx(0.7)
        assert choose(0.76) == math.inf
        assert choose(0.57) == pytest.approx(0.5)
        assert choose(0.7, support=4) == math.inf
        assert choose(0.57, support=5) == pytest.approx(0.5)

    @given(st.data())
    def test_agrees_with_trying_every_confidence(self, data: st.DataObject) -> None:
        count = data.draw(st.integers(0, 25))
        labels = hnp.arrays(np.int64, count, elements=st.integers(0, 2))
        arguments = (
            data.draw(labels),
            data.draw(labels),
            data.draw(labels),
            data.draw(
                hnp.arrays(
                    np.float32, count, elements=st.sampled_from(np.float32([0.5, 0.6, 0.7, 0.8, 0.9, 1.0]).tolist())
                )
            ),
            data.draw(hnp.arrays(np.bool_, count)),
            data.draw(st.sampled_from([0.31, 0.52, 0.74])),
            data.draw(st.integers(1, 6)),
        )
        assert choose_threshold(*arguments) == threshold_by_loop(*arguments)

    def test_equal_confidences_pass_together(self) -> None:
        ones, half = np.ones(4, dtype=int), np.full(4, 0.5)
        answered = np.array([1, 1, 1, 0])
        threshold = choose_threshold(ones * 0, answered, ones, half, ones.astype(bool), 0.7, 1)
        assert threshold == math.inf  # three right ones alone would qualify with 3/4

    def test_the_chosen_threshold_lets_its_own_mask_pass(self) -> None:
        confidence = np.full(3, 0.1, dtype=np.float32)  # not the 0.1 of float64
        ones = np.ones(3, dtype=int)
        threshold = choose_threshold(ones * 0, ones, ones, confidence, ones.astype(bool), 0.7, 1)
        assert selection_criteria(ones * 0, ones, confidence, np.array([1, 2, 0]), threshold).all()


class Witness:
    """Stands in for the module: predicts the number of masks it was trained on and remembers which."""

    def __init__(self, seen: list[tuple[set[int], set[int]]]) -> None:
        self.seen = seen

    def fit(self, features: Any, labels: Any) -> Witness:
        self.trained = {int(i) for i in features[:, 0]}
        return self

    def predict(self, features: Any) -> tuple[Any, Any]:
        held_out = [int(i) for i in features[:, 0]]
        self.seen.append((self.trained, set(held_out)))
        return np.array(held_out), np.full(len(held_out), 0.5, dtype=np.float32)


class TestHeldOut:
    @given(labels=st.lists(st.integers(0, 3), min_size=2, max_size=30), folds=st.integers(2, 6))
    def test_each_mask_is_predicted_once_by_a_module_that_never_saw_it(self, labels: list[int], folds: int) -> None:
        seen: list[tuple[set[int], set[int]]] = []
        everything = set(range(len(labels)))
        features = np.arange(len(labels), dtype=np.float32)[:, None]

        predicted, _ = held_out_predictions(features, np.array(labels), lambda: Witness(seen), folds, seed=0)

        assert predicted.tolist() == list(range(len(labels)))  # every prediction is back at its own place
        assert len(seen) == min(folds, len(labels))
        assert all(trained == everything - held_out and held_out for trained, held_out in seen)
        for label in set(labels):
            shares = [sum(labels[i] == label for i in held_out) for _, held_out in seen]
            assert max(shares) - min(shares) <= 1

    def test_the_seed_decides_the_folds(self) -> None:
        def folds(seed: int) -> list[set[int]]:
            seen: list[tuple[set[int], set[int]]] = []
            features = np.arange(12, dtype=np.float32)[:, None]
            held_out_predictions(features, np.zeros(12, dtype=int), lambda: Witness(seen), 3, seed)
            return [held_out for _, held_out in seen]

        assert folds(1) == folds(1) != folds(2)

    def test_too_little_to_hold_out(self) -> None:
        with pytest.raises(ValueError, match="at least two masks"):
            held_out_predictions(FEATURES[:1], LABELS[:1], lambda: LabelCorrectionModule(4), 5, 0)


class TestSettings:
    def test_a_threshold_per_round(self) -> None:
        settings = PropagationSettings(mode="compat", threshold=(0.99, 0.999))
        assert [settings.threshold_of(1), settings.threshold_of(2)] == [0.99, 0.999]
        for beyond in (0, 3):
            with pytest.raises(InputError, match=f"2 values but round {beyond} needs one"):
                settings.threshold_of(beyond)

    def test_one_threshold_for_all_rounds_or_none(self) -> None:
        assert PropagationSettings(threshold=0.99).threshold_of(7) == 0.99
        assert PropagationSettings().threshold_of(1) is None

    def test_what_cannot_be_is_refused(self) -> None:
        with pytest.raises(ValidationError, match="mode compat needs a threshold"):
            PropagationSettings(mode="compat")
        with pytest.raises(ValidationError):
            PropagationSettings(threshold=99)
        with pytest.raises(ValidationError):
            PropagationSettings(target_precision=1)
        assert PropagationSettings(name="none", mode="compat").threshold is None


class TestPropagate:
    """120 masks of 4 classes; a third of the labels shown is wrong; 60 are asked about now, 10 were before."""

    truth = np.arange(120) % 4
    features = masks_of(truth, 4, noise=0.8, seed=3)
    shown = np.where(np.arange(120) % 3 == 0, (truth + 1) % 4, truth)
    queried_now = np.arange(120) < 60
    queried_before = np.arange(120) >= 110
    current = np.where(queried_now, truth, shown)
    settings = PropagationSettings(target_precision=0.7, minimum_support=5, tail_fraction=0.25, learning_rate=1e-3)

    def run(self, **changed: Any) -> Any:
        masks: dict[str, Any] = {
            "features": self.features,
            "queried_now": self.queried_now,
            "answered": self.truth,
            "shown": self.shown,
            "queried_before": self.queried_before,
        }
        arguments: dict[str, Any] = {"current": self.current, "settings": self.settings, "round_index": 1, "seed": 0}
        answered = AnsweredMasks(**{name: changed.pop(name, value) for name, value in masks.items()})
        return propagate(answered, **{**arguments, **changed})

    @pytest.mark.slow
    def test_corrects_wrong_labels_and_only_masks_never_asked_about(self) -> None:
        result = self.run()
        assert 0 < result.threshold <= 1
        assert result.change.sum() >= 5
        assert not result.change[self.queried_now | self.queried_before].any()
        assert (result.predicted == self.truth)[result.change].mean() >= 0.7
        assert (result.predicted != self.current)[result.change].all()
        assert (result.confidence >= result.threshold)[result.change].all()

    def test_a_given_threshold_is_the_criteria_on_the_module(self) -> None:
        settings = PropagationSettings(mode="compat", threshold=(0.9, 0.6), epochs=10, learning_rate=1e-3)
        result = self.run(settings=settings, round_index=2)
        counts = np.bincount(self.truth[:60], minlength=4)
        trusted = trusted_by_loop(self.current, result.predicted, result.confidence, counts, 0.6, 0.5)
        assert result.threshold == 0.6
        assert result.change.tolist() == [bool(t and 60 <= i < 110) for i, t in enumerate(trusted)]
        assert result.change.any()

    def test_void_answers_teach_nothing_and_count_nowhere(self) -> None:
        answered = np.where(np.arange(120) % 5 == 0, VOID, self.truth)
        settings = PropagationSettings(threshold=0.4, epochs=3)
        with_void = self.run(answered=answered, settings=settings)
        left_out = self.run(queried_now=self.queried_now & (answered != VOID), settings=settings)
        assert np.array_equal(with_void.confidence, left_out.confidence)
        assert not with_void.change[self.queried_now].any()

    def test_values_where_nobody_was_asked_do_not_matter(self) -> None:
        noise = np.where(self.queried_now, self.truth, VOID)
        settings = PropagationSettings(threshold=0.4, epochs=2)
        plain, noisy = self.run(settings=settings), self.run(settings=settings, answered=noise, shown=noise)
        assert np.array_equal(plain.change, noisy.change)

    @pytest.mark.parametrize(
        "changed",
        [
            {"queried_now": np.zeros(120, dtype=bool)},
            {"answered": np.full(120, VOID)},
            {"settings": PropagationSettings(name="none")},
        ],
        ids=["nobody asked", "only void", "switched off"],
    )
    def test_nothing_to_learn_from_changes_nothing(self, changed: dict[str, Any]) -> None:
        result = self.run(**changed)
        assert not result.change.any()
        assert result.threshold == math.inf
        assert np.array_equal(result.predicted, self.current)

    @pytest.mark.parametrize("asked", [1, 4])
    def test_too_few_answers_to_choose_a_threshold_change_nothing(self, asked: int) -> None:
        result = self.run(queried_now=np.arange(120) < asked)
        assert result.threshold == math.inf
        assert not result.change.any()

    def test_the_seed_and_the_round_decide(self) -> None:
        settings = PropagationSettings(threshold=0.5, epochs=2)
        first, again, other_round, other_seed = (
            self.run(settings=settings, round_index=r, seed=s).confidence.tolist()
            for r, s in [(1, 0), (1, 0), (2, 0), (1, 1)]
        )
        assert first == again
        assert first != other_round
        assert first != other_seed
