"""Gradient descent, checkpoints, kills and refusals, on pictures of two colours."""

from __future__ import annotations

import logging
import math

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional

from a2lc.foundation.errors import InputError
from a2lc.foundation.images import write_image
from a2lc.segmentation import (
    build_network,
    evaluate_network,
    load_weights,
    make_objective,
)
from a2lc.segmentation.decoded import decode_once
from a2lc.segmentation.descent import Descent
from a2lc.segmentation.sampling import batch_of_step
from a2lc.segmentation.transforms import Augmentation, normalise
from tests.support.training_case import CPU, IDS, NETWORK, OBJECTIVE, Files, Pictures, fast, run_training, same

PLAIN = NETWORK.model_copy(update={"dropout": 0.0})

# ---- gradient descent


def test_steps_follow_the_poly_schedule_with_a_slower_backbone():
    network = build_network(NETWORK, 2, seed=0)
    options = fast(iterations=4, learning_rate=0.1, momentum=0, weight_decay=0, learning_rate_floor=0.03)
    descent = Descent(network, options, OBJECTIVE, CPU, fingerprint=0)
    images, labels = torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8), torch.randint(0, 2, (2, 32, 32))
    head, backbone = network.classifier.classifier[3].weight, next(network.backbone.parameters())
    for step in range(4):
        before = head.detach().clone(), backbone.detach().clone()
        descent.advance(images, labels.byte())
        rate = 0.1 * (1 - step / 4) ** 0.9
        torch.testing.assert_close(head.detach(), before[0] - max(rate, 0.03) * head.grad)
        torch.testing.assert_close(backbone.detach(), before[1] - max(0.1 * rate, 0.03) * backbone.grad)
        assert descent.learning_rate == pytest.approx(max(rate, 0.03))


def test_loss_ignores_void_and_is_zero_without_labels():
    loss = make_objective(fast(), num_classes=3).loss
    logits = torch.randn(2, 3, 4, 5, requires_grad=True)
    labels = torch.randint(0, 3, (2, 4, 5)).byte()
    labels[0, :2] = 255
    chosen = labels != 255
    expected = functional.cross_entropy(logits.movedim(1, -1)[chosen], labels[chosen].long(), reduction="sum")
    torch.testing.assert_close(loss(logits, labels), expected)
    nothing = loss(logits, torch.full_like(labels, 255))
    nothing.backward()
    assert nothing.item() == 0
    assert (logits.grad == 0).all()


def test_training_learns_and_its_checkpoints_predict(tmp_path):
    pictures, options = Pictures(), fast(learning_rate=0.05)
    network = build_network(NETWORK.model_copy(update={"dropout": 0.1}), 2, seed=1)

    def validate(candidate):
        assert not candidate.training
        return evaluate_network(candidate, IDS, pictures.image, pictures, 2, options, CPU).mean_iou()

    losses = []
    result = run_training(
        tmp_path / "new" / "folder", network=network, iterations=60, validate_every=20, crop_size=(32, 48),
        batch_size=4, validate=validate, on_progress=lambda progress: losses.append(progress.loss), save_every=7,
    )  # fmt: skip
    assert len(losses) == result.iterations == 60
    assert np.mean(losses[-5:]) < 0.5 * np.mean(losses[:5])
    assert sorted(path.name for path in (tmp_path / "new" / "folder").iterdir()) == [
        "best.safetensors",
        "last.safetensors",
    ]
    for name, mean_iou in (("best", result.best_mean_iou), ("last", result.last_mean_iou)):
        other = build_network(NETWORK, 2, seed=9)
        load_weights(other, tmp_path / "new" / "folder" / f"{name}.safetensors")
        assert validate(other.eval()) == pytest.approx(mean_iou)
    assert result.best_mean_iou > 0.8


def test_best_weights_are_those_of_the_first_highest_validation(tmp_path):
    scores, seen = iter([0.2, 0.7, math.nan, 0.7, 0.5]), []

    def validate(candidate):
        seen.append({name: tensor.clone() for name, tensor in candidate.state_dict().items()})
        return next(scores)

    result = run_training(tmp_path, iterations=9, validate_every=2, validate=validate)
    assert (result.best_iteration, result.best_mean_iou, result.last_mean_iou) == (4, 0.7, 0.5)
    assert same(load_file(tmp_path / "best.safetensors"), seen[1])
    assert same(load_file(tmp_path / "last.safetensors"), seen[4])


def test_without_validation_best_equals_last(tmp_path):
    result = run_training(tmp_path, validate_every=0)
    assert (result.best_iteration, result.best_mean_iou, result.last_mean_iou) == (6, None, None)
    assert same(load_file(tmp_path / "best.safetensors"), load_file(tmp_path / "last.safetensors"))


def test_validate_every_zero_validates_once_at_the_end(tmp_path):
    result = run_training(tmp_path, validate_every=0, validate=lambda candidate: 0.25)
    assert (result.best_iteration, result.best_mean_iou, result.last_mean_iou) == (6, 0.25, 0.25)


class Killed(Exception):
    """Stands for the end of the process."""


def stillness(candidate):
    """A validation that depends on all weights and falls as they move, so that the first is the best."""
    start = build_network(NETWORK, 2, seed=1).state_dict()
    return 1 / (
        1 + sum((tensor - start[name]).double().abs().sum().item() for name, tensor in candidate.state_dict().items())
    )


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    result = run_training(folder, validate=stillness)
    assert result.best_iteration == 2
    return result, folder


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize(("killed_at", "resumed_at"), [(1, 0), (4, 2), (5, 4)])
def test_killed_training_ends_with_the_same_bits(tmp_path, undisturbed, killed_at, resumed_at, workers):
    def kill(progress):
        if progress.step == killed_at:  # after the validation of this step, before its checkpoint
            raise Killed

    with pytest.raises(Killed):
        run_training(tmp_path, validate=stillness, on_progress=kill, workers=workers)
    assert (tmp_path / "training.pt").exists() == (resumed_at > 0)
    steps = []
    torch.rand(3)  # a resumed process has another random state
    result = run_training(
        tmp_path, validate=stillness, workers=workers, on_progress=lambda progress: steps.append(progress.step),
        network=build_network(NETWORK, 2, seed=1 if resumed_at == 0 else 77),
    )  # fmt: skip
    assert steps == list(range(resumed_at + 1, 7))
    expected, folder = undisturbed
    assert (result.best_iteration, result.best_mean_iou) == (expected.best_iteration, expected.best_mean_iou)
    for name in ("best.safetensors", "last.safetensors"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()
    assert not (tmp_path / "training.pt").exists()


def test_training_killed_in_its_validation_resumes(tmp_path, undisturbed):
    calls = []

    def validate(candidate):
        calls.append(1)
        if len(calls) == 2:
            raise Killed
        return stillness(candidate)

    with pytest.raises(Killed):
        run_training(tmp_path, validate=validate)
    run_training(tmp_path, validate=stillness)
    assert same(load_file(tmp_path / "last.safetensors"), load_file(undisturbed[1] / "last.safetensors"))
    assert same(load_file(tmp_path / "best.safetensors"), load_file(undisturbed[1] / "best.safetensors"))


def test_progress_tells_of_every_iteration_and_may_predict(tmp_path, undisturbed):
    network, seen = build_network(NETWORK, 2, seed=1), []

    def watch(progress):
        seen.append(progress)
        network.eval()  # as a prediction does

    run_training(tmp_path, network=network, validate=stillness, on_progress=watch)
    assert [(progress.step, progress.due) for progress in seen] == [(step, step % 2 == 0) for step in range(1, 7)]
    assert [progress.mean_iou is None for progress in seen] == [True, False] * 3
    assert seen[1].mean_iou == undisturbed[0].best_mean_iou
    rates = [progress.learning_rate for progress in seen]
    assert rates == pytest.approx([max(0.05 * (1 - step / 6) ** 0.9, fast().learning_rate_floor) for step in range(6)])
    assert same(load_file(tmp_path / "last.safetensors"), load_file(undisturbed[1] / "last.safetensors"))
    run_training(tmp_path / "silent", on_progress=seen.append)
    assert [(progress.due, progress.mean_iou) for progress in seen[6:]] == [(False, None), (True, None)] * 3


def test_dropout_and_seed_matter_but_the_global_random_state_does_not(tmp_path, undisturbed):
    before = torch.manual_seed(123).get_state()
    run_training(tmp_path / "same", validate=stillness)
    assert torch.equal(before, torch.get_rng_state())
    last = load_file(undisturbed[1] / "last.safetensors")
    assert same(load_file(tmp_path / "same" / "last.safetensors"), last)
    run_training(tmp_path / "seed", seed=2, network=build_network(NETWORK, 2, seed=1))
    assert not same(load_file(tmp_path / "seed" / "last.safetensors"), last)


def test_training_of_other_settings_is_not_continued(tmp_path):
    def kill(progress):
        if progress.step == 5:
            raise Killed

    with pytest.raises(Killed):
        run_training(tmp_path, on_progress=kill)
    for change in ({"learning_rate": 0.01}, {"seed": 2}, {"ids": IDS[:4]}):
        with pytest.raises(InputError, match=r"training\.pt was left by a training with other settings"):
            run_training(tmp_path, **change)
    run_training(tmp_path, workers=1, save_every=3)
    (tmp_path / "training.pt").write_bytes(b"torn")
    with pytest.raises(InputError, match=r"training\.pt cannot be read: delete it"):
        run_training(tmp_path)


@pytest.mark.parametrize("workers", [0, 2])
def test_unreadable_image_is_told_in_its_own_words(tmp_path, workers):
    with pytest.raises(InputError) as caught:
        run_training(tmp_path, Pictures(broken="image_3"), workers=workers)
    assert str(caught.value) == "image_3.jpg cannot be read (truncated): replace it"


def test_labels_that_do_not_fit_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"label map of 'image_\d' holds 3, but there are 2 classes"):
        run_training(tmp_path, Pictures(offset=2))

    class Shifted(Pictures):
        def labels(self, image_id):
            return super().labels(image_id)[1:]

    with pytest.raises(InputError, match=r"'image_0' is 40x48 but its label map is 39x48"):
        run_training(tmp_path, Shifted(), ids=IDS[:1])
    with pytest.raises(InputError, match="no training images"):
        run_training(tmp_path, ids=())


def test_all_void_labels_give_no_nan(tmp_path):
    network, losses = build_network(NETWORK, 2, seed=1), []
    before = network.classifier.classifier[3].weight.detach().clone()
    run_training(
        tmp_path, Pictures(void=True), network=network, on_progress=lambda progress: losses.append(progress.loss)
    )
    assert losses == [0.0] * 6
    last = load_file(tmp_path / "last.safetensors")
    assert all(tensor.isfinite().all() for tensor in last.values())
    after = last["classifier.classifier.3.weight"]
    shrunk = (after.norm() / before.norm()).item()
    assert 0.9 < shrunk < 1, "weight decay alone"
    torch.testing.assert_close(after, shrunk * before)


def test_diverged_training_names_the_step_and_the_remedy(tmp_path):
    network = build_network(NETWORK, 2, seed=0)

    def poison(progress):
        if progress.step == 2:
            network.classifier.classifier[3].bias.data.fill_(math.inf)

    with pytest.raises(InputError, match=r"the loss is nan at iteration 3.*learning_rate below 0\.05"):
        run_training(tmp_path, network=network, on_progress=poison)


def test_fewer_images_than_a_batch(tmp_path):
    assert run_training(tmp_path, ids=IDS[:1], batch_size=3).iterations == 6


def test_log_tells_start_iterations_validations_and_end(tmp_path, caplog):
    with caplog.at_level(logging.DEBUG, logger="a2lc.segmentation"):
        run_training(tmp_path, validate=lambda candidate: 0.5)
    lines = [record.getMessage() for record in caplog.records if record.levelno == logging.INFO]
    assert lines[0] == "training: 6 iterations, batches of 2 from 5 images, on cpu"
    assert lines[1:4] == [f"training: iteration {step}: mIoU 0.5000" for step in (2, 4, 6)]
    assert lines[4].startswith("training: finished after")
    iterations = [record.getMessage() for record in caplog.records if record.levelno == logging.DEBUG]
    assert [line.rsplit(" ", 1)[0] for line in iterations] == [f"iteration {step}/6 loss" for step in range(1, 7)]


# ---- measures for speed


def plain_losses(pictures, options):
    """The losses of a training written down plainly: one pass, unfused, in the usual memory format."""
    network = build_network(PLAIN, 2, seed=1).train()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d) and options.batchnorm == "frozen":
            module.eval()
    groups = [{"params": network.backbone.parameters()}, {"params": network.classifier.parameters()}]
    optimizer = torch.optim.SGD(groups, lr=1, momentum=0.9, weight_decay=1e-4, foreach=False, fused=False)
    augment, losses = Augmentation(options), []
    for step in range(options.iterations):
        for group, factor in zip(optimizer.param_groups, (0.1, 1), strict=True):
            group["lr"] = 0.05 * factor * (1 - step / options.iterations) ** 0.9
        views = [
            augment(pictures.image(IDS[index]), pictures.labels(IDS[index]), seed)
            for index, seed in batch_of_step(step, len(IDS), options.batch_size, (1, 0))
        ]
        logits = network(normalise(torch.stack([image for image, _ in views]), options.mean, options.std))
        labels = torch.stack([labels for _, labels in views]).long()
        loss = functional.cross_entropy(logits, labels, ignore_index=255)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


@pytest.mark.parametrize(
    "measures",
    [
        {}, {"channels_last": True}, {"workers": 2}, {"batchnorm": "frozen"},
        {"batchnorm": "frozen", "accumulation": 2}, {"batchnorm": "frozen", "accumulation": 4, "channels_last": True},
    ],
)  # fmt: skip
def test_measures_for_speed_leave_the_losses_as_they_are(tmp_path, measures):
    pictures, losses, common = Pictures(void_rows=9), [], {"batch_size": 4, "iterations": 20, "validate_every": 0}
    run_training(
        tmp_path, pictures, network=build_network(PLAIN, 2, seed=1),
        on_progress=lambda progress: losses.append(progress.loss), **common, **measures,
    )  # fmt: skip
    assert losses == pytest.approx(plain_losses(pictures, fast(**common, **measures)), rel=0, abs=1e-4)


def test_memory_format_changes_neither_dropout_nor_the_saved_weights(tmp_path):
    for name, last in (("usual", False), ("last", True)):
        run_training(tmp_path / name, iterations=2, channels_last=last)
    usual, last = (load_file(tmp_path / name / "last.safetensors") for name in ("usual", "last"))
    for key, tensor in usual.items():
        torch.testing.assert_close(last[key], tensor, rtol=1e-3, atol=1e-5)


def test_frozen_batchnorm_keeps_its_statistics_and_learns_its_scales(tmp_path):
    network = build_network(NETWORK, 2, seed=1)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    run_training(tmp_path, network=network, batchnorm="frozen", validate=stillness, validate_every=1)
    after = network.state_dict()
    statistics = [name for name in after if "running_" in name]
    assert len(statistics) > 10
    assert all(torch.equal(before[name], after[name]) for name in statistics)
    scale = statistics[0].replace("running_mean", "weight")
    assert not torch.equal(before[scale], after[scale])


@pytest.mark.parametrize("workers", [0, 2])
def test_training_is_the_same_from_decoded_images(tmp_path, undisturbed, workers):
    files = Files(tmp_path / "images")
    for image_id in IDS:
        write_image(files.image_path(image_id), Pictures().image(image_id))

    class Kept(Pictures):
        image = staticmethod(decode_once(files, tmp_path / "cache"))

    run_training(tmp_path, Kept(), validate=stillness, workers=workers)
    assert same(load_file(tmp_path / "last.safetensors"), load_file(undisturbed[1] / "last.safetensors"))
