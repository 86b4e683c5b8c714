"""Every learner keeps its contract, is fitted once per set of answers, and another one takes a module."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from a2lc.classes import ClassSet
from a2lc.cli import main
from a2lc.labels.ledger import Decision, Ledger
from a2lc.labels.store import open_pseudo_labels
from a2lc.loop.learners import LEARNERS
from a2lc.posterior import PosteriorModel, PosteriorSettings
from a2lc.propagation import PropagationSettings
from a2lc.propagation.registry import Answers, Learner, Situation
from tests.support.folders import make_folder
from tests.support.tiny import tiny_arguments, tiny_data
from tests.support.with_toys import modules_after, run_with

NOBODY = Answers((), (), 0)
WITHOUT_NETWORK = ("method=posterior", "training.iterations=0", "inner_batch=2", "budget=6", "propagation.mode=fixed")


@pytest.fixture
def situation(tmp_path: Path, classes: ClassSet) -> Situation:
    """The masks of twelve images, and what a network thinks of them."""
    labels = open_pseudo_labels(make_folder(tmp_path / "data", classes, images=12) / "pseudo_labels")
    ids = [f"image{index:02d}" for index in range(12)]
    keys = [(image_id, int(mask)) for image_id in reversed(ids) for mask in np.unique(labels.masks(image_id)) if mask]
    features = np.random.default_rng(0).dirichlet(np.ones(len(classes)), len(keys)).astype(np.float32)
    sections = {
        "propagation": PropagationSettings(threshold=0.34, epochs=20, tail_fraction=0, learning_rate=1e-2),
        "posterior": PosteriorSettings(),
    }
    return Situation(
        name="a test",
        round_index=2,
        seed=1,
        classes=classes,
        keys=keys,
        features=features,
        trained=True,
        sections=sections,
        image_ids=ids,
        first_maps=lambda image_id: (labels.labels(image_id), labels.masks(image_id)),
        folder=tmp_path,
    )


def made(name: str, situation: Situation, *lessons: Answers) -> Learner:
    """A learner that learned from these answers, one after the other."""
    learner = LEARNERS[name].load()(situation)
    for answers in lessons:
        learner.learn(answers)
    return learner


def answered(situation: Situation, rows: range, shown: NDArray[np.int64]) -> tuple[Decision, ...]:
    """Every third label is right, every third wrong, every third question skipped."""
    after = [(int(shown[row]), (int(shown[row]) + 1) % len(situation.classes), None)[row % 3] for row in rows]
    return tuple(
        Decision(*situation.keys[row], int(shown[row]), label, row % 3 == 1, True, "answers")
        for row, label in zip(rows, after, strict=True)
    )


@pytest.fixture
def current(situation: Situation) -> NDArray[np.int64]:
    """(M,) majority label of every mask."""
    maps = {image_id: situation.first_maps(image_id) for image_id in situation.image_ids}
    return np.array([np.bincount(maps[i][0][maps[i][1] == m]).argmax() for i, m in situation.keys], dtype=np.int64)


@pytest.fixture
def answers(situation: Situation, current: NDArray[np.int64]) -> Answers:
    """Fifteen questions of an earlier round, twelve of this one."""
    return Answers(answered(situation, range(15), current), answered(situation, range(15, 27), current), 1)


@pytest.mark.parametrize("name", LEARNERS.names())
def test_new_labels_are_changes_of_masks_of_the_round(
    name: str, situation: Situation, answers: Answers, current: NDArray[np.int64]
) -> None:
    new = made(name, situation, answers).new_labels(current)
    assert bool(new) == (name != "none")
    assert len({label.key for label in new}) == len(new)
    before = dict(zip(situation.keys, current.tolist(), strict=True))
    for label in new:
        assert label.label != before[label.key]
        assert label.label in {*range(len(situation.classes)), situation.classes.void}
        assert label.confidence is None or 0 <= label.confidence <= 1


@pytest.mark.parametrize("name", LEARNERS.names())
def test_without_answers_nothing_changes(name: str, situation: Situation, current: NDArray[np.int64]) -> None:
    assert not made(name, situation, NOBODY).new_labels(current)


@pytest.mark.parametrize("name", LEARNERS.names())
def test_what_it_knows_is_a_function_of_the_answers_alone(
    name: str, situation: Situation, answers: Answers, current: NDArray[np.int64]
) -> None:
    earlier = Answers(answers.earlier, (), 0)
    straight, detour = made(name, situation, answers), made(name, situation, NOBODY, earlier, answers)
    assert straight.new_labels(current) == detour.new_labels(current)
    assert straight.new_labels(current) == straight.new_labels(current)


@pytest.mark.parametrize("name", LEARNERS.names())
def test_gives_an_order_only_if_it_says_so(name: str, situation: Situation, answers: Answers) -> None:
    order = made(name, situation, answers).order()
    assert (order is not None) == LEARNERS[name].orders
    if order is not None:
        assert order.score.shape == (len(situation.keys),)
        assert np.isfinite(order.score).all()
        asked = {answer.key for answer in (*answers.earlier, *answers.now)}
        assert order.closed == asked  # each of them is settled or skipped


def test_a_wrong_name_is_told_the_valid_ones_and_the_nearest() -> None:
    with pytest.raises(ValueError, match=r"expected one of none, lcm, .*did you mean lcm\?"):
        PropagationSettings(name="lmc")


def test_names_and_needs_are_known_without_the_libraries_that_learn() -> None:
    statement = "from a2lc.loop.learners import LEARNERS as L; [(L[name].needs, L[name].orders) for name in L]"
    assert not modules_after(statement) & {"torch", "sklearn", "scipy", "timm"}


def test_the_posterior_is_fitted_once_for_each_set_of_answers_of_a_round(
    tmp_path: Path, classes: ClassSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fits: list[tuple[PosteriorModel, bytes]] = []  # which model, and what it was told
    undisturbed = PosteriorModel.update

    def counted(model: PosteriorModel, votes: NDArray[np.int64]) -> object:
        fits.append((model, votes.tobytes()))
        return undisturbed(model, votes)

    monkeypatch.setattr(PosteriorModel, "update", counted)
    data = tiny_data(tmp_path / "data", classes)
    assert main(["run", *tiny_arguments(data, tmp_path, *WITHOUT_NETWORK)]) == 0
    assert len({model for model, _ in fits}) == 2  # a learner per round
    assert len(fits) == len(set(fits)) == 2 * (1 + 3)  # in each once before the first of three batches, and after each


@pytest.mark.slow
def test_another_one_takes_a_module_that_registers_it(tmp_path: Path, classes: ClassSet) -> None:
    data = tiny_data(tmp_path / "data", classes)
    settings = (
        "method=area",
        "acquisition=posterior",
        "propagation=toy",
        "training.iterations=0",
        "rounds=1",
        "inner_batch=2",
    )
    run_with("tests.support.toy_learner", *tiny_arguments(data, tmp_path, *settings, "experiment=toys"))
    decisions = Ledger(tmp_path / "runs/toys/seed1/area/ledger.sqlite").decisions()
    asked = [decision for decision in decisions if decision.queried]
    assert [decision.mask_id for decision in asked] == [4] * 4  # the highest mask ids first: its order, not the areas'
    learned = [decision for decision in decisions if not decision.queried]
    assert {decision.source for decision in learned} == {"toy"}
    assert {decision.label_after for decision in learned} <= {decision.label_after for decision in asked}
