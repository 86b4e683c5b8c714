"""Augmentation, sampling, gradient descent, checkpoints and prediction on pictures of two colours."""

from __future__ import annotations

import logging
import math
from collections import Counter
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file
from torch.nn import functional

from a2lc.errors import InputError
from a2lc.segmentation import (
    NetworkSettings,
    TrainingSettings,
    build_network,
    evaluate_network,
    load_weights,
    predict,
    train,
)
from a2lc.segmentation.descent import Descent, cross_entropy
from a2lc.segmentation.sampling import batch_of_step
from a2lc.segmentation.transforms import Augmentation, normalise

CPU = torch.device("cpu")
IDS = tuple(f"image_{index}" for index in range(5))
NETWORK = NetworkSettings(backbone="test_resnet", backbone_weights="none", aspp_channels=8, dropout=0.5)


def fast(**changes):
    small = {"iterations": 6, "batch_size": 2, "crop_size": 32, "validate_every": 2, "save_every": 2, "workers": 0}
    return TrainingSettings(**{**small, "learning_rate": 0.05, **changes})


@dataclass(frozen=True)
class Pictures:
    """Bright bands (class 1) on a dark ground (class 0); every image has its own band and size."""

    broken: str = ""
    void: bool = False
    offset: int = 0
    void_rows: int = 0

    def image(self, image_id):
        if image_id == self.broken:
            raise InputError(f"{image_id}.jpg cannot be read (truncated): replace it")
        noise = np.random.default_rng(int(image_id[-1])).integers(0, 60, (*self._band(image_id).shape, 3))
        return (noise + 150 * self._band(image_id)[..., None]).astype(np.uint8)

    def labels(self, image_id):
        band = self._band(image_id).astype(np.uint8)
        labels = np.full_like(band, 255) if self.void else band + np.uint8(self.offset)
        labels[: self.void_rows] = 255
        return labels

    def _band(self, image_id):
        index = int(image_id[-1])
        band = np.zeros((40 + index, 48), dtype=bool)
        band[:, 8 * index : 8 * index + 16] = True
        return band


def run_training(folder, pictures=None, *, ids=IDS, seed=1, network=None, **changes):
    pictures = pictures or Pictures()
    network = network or build_network(NETWORK, 2, seed=seed)
    hooks = {name: changes.pop(name) for name in ("validate", "on_progress") if name in changes}
    return train(
        network, pictures.image, pictures, ids, fast(**changes),
        num_classes=2, folder=folder, keys=(seed, 0), device=CPU, **hooks,
    )  # fmt: skip


def same(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


# ---- augmentation


def coded(height, width):
    """An image whose red channel equals its labels, so that both can be compared after any geometry."""
    labels = np.random.default_rng(height * width).integers(0, 200, (height, width)).astype(np.uint8)
    return np.stack([labels, labels, labels], axis=-1), labels


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 2**62), st.sampled_from(["void", "background"]))
def test_crop_and_flip_move_image_and_labels_together(height, width, seed, padding):
    image, labels = coded(height, width)
    augment = Augmentation(fast(scale=None, crop_size=(24, 32), padding=padding))
    view, view_labels = augment(image, labels, seed)
    assert view.shape == (3, 24, 32)
    assert view.dtype == view_labels.dtype == torch.uint8
    padded = view_labels == 255
    assert torch.equal(view[0][~padded], view_labels[~padded])
    assert (view[:, padded] == 0).all()
    if padding == "void":
        inside = min(height, 24) * min(width, 32)  # the crop of a padded image may miss parts of it, never void them
        assert (~padded).sum() <= inside
        assert height < 24 or width < 32 or not padded.any()
    else:
        assert not padded.any()


def test_scaling_uses_nearest_for_labels_and_bilinear_for_images():
    image, labels = np.zeros((40, 40, 3), dtype=np.uint8), np.zeros((40, 40), dtype=np.uint8)
    image[:, 20:], labels[:, 20:] = 200, 7
    view, view_labels = Augmentation(fast(scale=(1.7, 1.7), crop_size=68, horizontal_flip=False))(image, labels, 3)
    assert set(view_labels.unique().tolist()) == {0, 7}
    assert (view_labels[:, :34] == 0).all()
    assert (view_labels[:, 34:] == 7).all()
    assert len(view.unique()) > 2


def test_scale_factor_is_uniform_in_its_range():
    image, labels = coded(100, 100)
    augment = Augmentation(fast(scale=(0.5, 2.0), crop_size=200))
    sides = [math.sqrt((augment(image, labels, seed)[1] != 255).sum().item()) for seed in range(60)]
    assert min(sides) >= 50 - 1e-6
    assert max(sides) > 180
    assert np.mean([side < 125 for side in sides]) == pytest.approx(0.5, abs=0.2)


def test_augmentation_is_a_function_of_the_seed_and_leaves_the_random_state_alone():
    image, labels = coded(50, 70)
    augment = Augmentation(fast(color_jitter=0.5))
    before = torch.get_rng_state()
    first, again, other = augment(image, labels, 1), augment(image, labels, 1), augment(image, labels, 2)
    assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(first[0], again[0])
    assert torch.equal(first[1], again[1])
    assert not torch.equal(first[0], other[0])


def test_color_jitter_changes_colours_only():
    image, labels = coded(32, 32)
    view, view_labels = Augmentation(fast(scale=None, horizontal_flip=False, color_jitter=0.5))(image, labels, 4)
    assert torch.equal(view_labels, torch.tensor(labels))
    assert not torch.equal(view[0], view_labels)


def test_normalise_by_hand():
    image = torch.tensor([[[0]], [[51]], [[255]]], dtype=torch.uint8)
    expected = torch.tensor([[[-2.0]], [[(0.2 - 0.5) / 0.5]], [[1.0]]])
    torch.testing.assert_close(normalise(image, (0.5, 0.5, 0.5), (0.25, 0.5, 0.5)), expected)


# ---- sampling


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 40), st.integers(2, 12), st.integers(0, 5))
def test_every_epoch_shows_every_image_at_most_once(count, batch_size, seed):
    per_epoch = max(count // batch_size, 1)
    for epoch in range(3):
        steps = range(epoch * per_epoch, (epoch + 1) * per_epoch)
        shown = Counter(index for step in steps for index, _ in batch_of_step(step, count, batch_size, (seed,)))
        if count >= batch_size:
            assert max(shown.values()) == 1
            assert sum(shown.values()) == per_epoch * batch_size
        else:
            assert max(shown.values()) - min(shown[index] for index in range(count)) <= 2
            assert sum(shown.values()) == batch_size


def test_few_images_are_repeated_permutation_by_permutation():
    stream = [index for step in range(9) for index, _ in batch_of_step(step, 3, 4, (7,))]
    epochs = [tuple(stream[start : start + 3]) for start in range(0, 36, 3)]
    assert all(sorted(epoch) == [0, 1, 2] for epoch in epochs)
    assert len(set(epochs)) > 1


def test_augmentation_seeds_differ_between_positions_steps_and_keys():
    items = [batch_of_step(step, 3, 4, keys) for step in range(5) for keys in ((1, 0), (1, 1))]
    assert len({seed for batch in items for _, seed in batch}) == 5 * 2 * 4


# ---- gradient descent


def test_steps_follow_the_poly_schedule_with_a_slower_backbone():
    network = build_network(NETWORK, 2, seed=0)
    options = fast(iterations=4, learning_rate=0.1, momentum=0, weight_decay=0, learning_rate_floor=0.03)
    descent = Descent(network, options, CPU, fingerprint=0)
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
    logits = torch.randn(2, 3, 4, 5, requires_grad=True)
    labels = torch.randint(0, 3, (2, 4, 5)).byte()
    labels[0, :2] = 255
    chosen = labels != 255
    expected = functional.cross_entropy(logits.movedim(1, -1)[chosen], labels[chosen].long())
    torch.testing.assert_close(cross_entropy(logits, labels), expected)
    nothing = cross_entropy(logits, torch.full_like(labels, 255))
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
        batch_size=4, validate=validate, on_progress=lambda step, loss: losses.append(loss), save_every=7,
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
    def kill(step, loss):
        if step == killed_at:  # after the validation of this step, before its checkpoint
            raise Killed

    with pytest.raises(Killed):
        run_training(tmp_path, validate=stillness, on_progress=kill, workers=workers)
    assert (tmp_path / "training.pt").exists() == (resumed_at > 0)
    steps = []
    torch.rand(3)  # a resumed process has another random state
    result = run_training(
        tmp_path, validate=stillness, workers=workers, on_progress=lambda step, loss: steps.append(step),
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


def test_dropout_and_seed_matter_but_the_global_random_state_does_not(tmp_path, undisturbed):
    before = torch.manual_seed(123).get_state()
    run_training(tmp_path / "same", validate=stillness)
    assert torch.equal(before, torch.get_rng_state())
    last = load_file(undisturbed[1] / "last.safetensors")
    assert same(load_file(tmp_path / "same" / "last.safetensors"), last)
    run_training(tmp_path / "seed", seed=2, network=build_network(NETWORK, 2, seed=1))
    assert not same(load_file(tmp_path / "seed" / "last.safetensors"), last)


def test_training_of_other_settings_is_not_continued(tmp_path):
    def kill(step, loss):
        if step == 5:
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
    run_training(tmp_path, Pictures(void=True))
    assert all(tensor.isfinite().all() for tensor in load_file(tmp_path / "last.safetensors").values())


def test_diverged_training_names_the_step_and_the_remedy(tmp_path):
    network = build_network(NETWORK, 2, seed=0)

    def poison(step, loss):
        if step == 2:
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


def test_settings_refuse_what_cannot_work():
    for bad in ({"batch_size": 1}, {"scale": (2.0, 0.5)}, {"crop_size": 0}, {"iterations": 0}, {"momentum": 1.0}):
        with pytest.raises(ValueError, match=next(iter(bad))):
            fast(**bad)
    assert fast(crop_size=[20, 30]).crop == (20, 30)
    assert fast(crop_size=20).crop == (20, 20)


# ---- prediction


@pytest.mark.parametrize("workers", [0, 2])
def test_prediction_is_the_softmax_of_the_network_at_native_size(workers):
    network, options = build_network(NETWORK, 2, seed=3), fast(mean=(0.1, 0.2, 0.3), std=(0.5, 0.6, 0.7))
    before = torch.get_rng_state()
    predictions = list(predict(network.train(), IDS[::-1], Pictures().image, options, CPU, workers))
    assert torch.equal(before, torch.get_rng_state())
    assert [image_id for image_id, _ in predictions] == list(IDS[::-1])
    for image_id, probabilities in predictions:
        pixels = torch.tensor(Pictures().image(image_id) / 255.0)
        normalised = ((pixels - torch.tensor(options.mean)) / torch.tensor(options.std)).float()
        expected = network.eval()(normalised.movedim(-1, 0)[None])[0].exp()
        torch.testing.assert_close(probabilities, expected / expected.sum(0), rtol=1e-4, atol=1e-5)
        assert probabilities.shape == (2, *Pictures().labels(image_id).shape)
        assert not probabilities.requires_grad


def test_prediction_reads_images_only_when_they_are_asked_for():
    read = []

    def image(image_id):
        read.append(image_id)
        return Pictures().image(image_id)

    predictions = predict(build_network(NETWORK, 2, seed=3), IDS, image, fast(), CPU)
    next(predictions)
    next(predictions)
    assert read == list(IDS[:2])


@pytest.mark.parametrize("workers", [0, 2])
def test_evaluation_counts_like_a_loop(workers):
    network, options = build_network(NETWORK, 2, seed=3), fast(workers=workers)
    expected = np.zeros((2, 2), dtype=np.int64)
    for image_id, probabilities in predict(network, IDS, Pictures().image, options, CPU):
        truth = Pictures().labels(image_id)[3:]
        np.add.at(expected, (truth, probabilities.argmax(0).numpy()[3:]), 1)
    confusion = evaluate_network(network.train(), IDS, Pictures().image, Pictures(void_rows=3), 2, options, CPU)
    assert confusion.counts.tolist() == expected.tolist()


@pytest.mark.parametrize("workers", [0, 2])
def test_prediction_tells_of_an_unreadable_image_in_its_own_words(workers):
    predictions = predict(build_network(NETWORK, 2, seed=3), IDS, Pictures("image_1").image, fast(), CPU, workers)
    assert next(predictions)[0] == "image_0"
    with pytest.raises(InputError, match=r"^image_1\.jpg cannot be read \(truncated\): replace it$"):
        next(predictions)
