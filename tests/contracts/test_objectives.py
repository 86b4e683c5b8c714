"""What every objective promises, and a run with one that nothing in the house knows."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import load_file

from a2lc.classes import ClassSet
from a2lc.cli import main
from a2lc.foundation.errors import InputError
from a2lc.foundation.settings import Decides
from a2lc.loop.config import RunConfig
from a2lc.segmentation import OBJECTIVES, Objective, TrainingSettings, make_objective
from tests.support import toy_objective
from tests.support.tiny import seed_table, tiny_arguments, tiny_data

CLASSES, VOID = 3, 200


SEEDED = {"objective": "ecoc", "loss": {"ecoc": {"variant": "seeded"}}}


@pytest.fixture(params=[*({"objective": name} for name in OBJECTIVES.names()), SEEDED], ids=str)
def objective(request: pytest.FixtureRequest) -> Objective:
    return make_objective(TrainingSettings.model_validate(request.param), CLASSES, VOID)


def logits_of(objective: Objective, scale: float = 3.0) -> torch.Tensor:
    noise = torch.randn((2, objective.channels, 5, 7), generator=torch.Generator().manual_seed(1))
    return (scale * noise).requires_grad_()


def labels_of_pixels() -> torch.Tensor:
    labels = torch.randint(0, CLASSES, (2, 5, 7), generator=torch.Generator().manual_seed(2)).byte()
    labels[:, :2] = VOID
    return labels


def test_the_toy_is_among_them() -> None:
    robust = {"label_smoothing", "generalised_cross_entropy", "symmetric_cross_entropy", "soft_bootstrapping"}
    assert {"cross_entropy", "ecoc", "toy", *robust} <= set(OBJECTIVES)
    assert OBJECTIVES["toy"] is toy_objective.make_toy


def test_probabilities_are_of_classes_and_sum_to_one(objective: Objective) -> None:
    logits = logits_of(objective, scale=30.0)
    probabilities = objective.probabilities(logits)
    assert probabilities.shape == (2, CLASSES, 5, 7)
    assert probabilities.dtype == torch.float32
    assert (probabilities >= 0).all()
    torch.testing.assert_close(probabilities.sum(dim=1), torch.ones(2, 5, 7))


@pytest.mark.parametrize("verified", [False, True])
def test_loss_is_finite_and_only_pixels_with_a_class_have_a_gradient(objective: Objective, verified: bool) -> None:
    logits, labels = logits_of(objective), labels_of_pixels()
    trusted = torch.arange(labels.numel()).reshape(labels.shape) % 2 == 0 if verified else None
    loss = objective.loss(logits, labels, trusted)
    loss.backward()
    assert loss.shape == ()
    assert loss.isfinite()
    assert loss > 0
    moved = logits.grad.abs().sum(dim=1) > 0
    assert torch.equal(moved, labels != VOID)


def test_nothing_but_void_costs_nothing(objective: Objective) -> None:
    logits = logits_of(objective)
    loss = objective.loss(logits, torch.full((2, 5, 7), VOID, dtype=torch.uint8))
    loss.backward()
    assert loss.item() == 0
    assert (logits.grad == 0).all()


def test_loss_adds_up_over_the_parts_of_a_batch(objective: Objective) -> None:
    logits, labels = logits_of(objective), labels_of_pixels()
    parts = [objective.loss(logits[index : index + 1], labels[index : index + 1]) for index in range(2)]
    torch.testing.assert_close(objective.loss(logits, labels), torch.stack(parts).sum())


def test_descent_makes_the_labels_more_probable(objective: Objective) -> None:
    logits, labels = logits_of(objective), labels_of_pixels()
    chosen = (labels != VOID).unsqueeze(1)
    index = labels.clamp(max=CLASSES - 1).long().unsqueeze(1)
    before = objective.probabilities(logits).gather(1, index)[chosen].log().mean()
    objective.loss(logits, labels).backward()
    after = objective.probabilities(logits - 0.1 * logits.grad).gather(1, index)[chosen].log().mean()
    assert after > before


def test_who_is_verified_matters_only_where_the_objective_says_so(objective: Objective) -> None:
    logits, labels = logits_of(objective, scale=9.0), labels_of_pixels()
    everywhere = torch.ones_like(labels, dtype=torch.bool)
    nobody, nowhere = objective.loss(logits, labels), objective.loss(logits, labels, ~everywhere)
    torch.testing.assert_close(nobody, nowhere)
    assert bool(objective.loss(logits, labels, everywhere) != nobody) == objective.distinguishes


def test_a_verified_label_wins_over_what_the_network_thinks(objective: Objective) -> None:
    """The network is sure of another class; trained on verified labels alone it comes round."""
    labels = labels_of_pixels()
    wrong = (labels.long() + 1) % CLASSES
    logits = logits_of(objective, scale=0.1)
    optimizer = torch.optim.Adam([logits], lr=0.3)
    for targets, trusted in ((wrong, torch.ones_like(labels, dtype=torch.bool)), (labels, labels != VOID)):
        chosen = torch.where(labels == VOID, VOID, targets)
        for _ in range(60):
            optimizer.zero_grad()
            objective.loss(logits, chosen, trusted).backward()
            optimizer.step()
        found = objective.probabilities(logits).argmax(dim=1)
        assert torch.equal(found[labels != VOID], chosen[labels != VOID].long())


def test_a_run_trains_scores_and_predicts_with_an_objective_from_elsewhere(tmp_path: Path, classes: ClassSet) -> None:
    data = tiny_data(tmp_path / "data", classes)
    settings = tiny_arguments(data, tmp_path / "out", "rounds=1", "training.objective=toy", "tensorboard=true")
    assert main(["run", *settings]) == 0
    folder = tmp_path / "out/runs/folder/seed1/a2lc/round_1"
    weights = load_file(folder / "last.safetensors")
    assert weights["classifier.classifier.3.bias"].shape == (len(classes) + 1,)
    assert [row["round"] for row in seed_table(tmp_path / "out")] == ["0", "1"]
    assert main(["run", *settings, "training.objective=cross_entropy"]) == 2, "another objective is another run"


def test_an_unknown_objective_is_refused_with_those_there_are() -> None:
    with pytest.raises(ValidationError, match="'cros_entropy' is not among the objectives"):
        TrainingSettings(objective="cros_entropy")
    with pytest.raises(InputError, match="did you mean cross_entropy"):
        OBJECTIVES["cros_entropy"]


def test_trainings_and_runs_from_before_there_were_objectives_are_recognised() -> None:
    default = TrainingSettings()
    other = TrainingSettings(objective="toy")
    free = TrainingSettings.fields_that(Decides.SPEED)
    assert not {"objective", "loss"} & json.loads(default.identity()).keys()
    assert json.loads(other.identity()) == {**json.loads(default.identity()), "objective": "toy"}
    assert free.isdisjoint(json.loads(other.identity()))
    assert TrainingSettings.model_validate(SEEDED).identity() != TrainingSettings(objective="ecoc").identity()
    config = RunConfig.model_validate({"experiment": "old", "dataset": {"name": "toyscapes"}})
    written = config.model_dump(mode="json")
    del written["training"]["objective"], written["training"]["loss"]
    assert RunConfig.model_validate(written).difference(config, set(Decides)) == []


def test_settings_load_without_pytorch() -> None:
    program = (
        "import sys; from a2lc.segmentation.settings import TrainingSettings; TrainingSettings(); "
        "from a2lc.segmentation import NetworkSettings; print({'torch', 'timm', 'torchvision'} & set(sys.modules))"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "set()"
