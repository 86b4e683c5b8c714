"""What a training step sees: augmentation, the choice of images, who loads them, and settings that are refused."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision import tv_tensors
from torchvision.transforms import v2

from a2lc.segmentation.loading import worker_count
from a2lc.segmentation.sampling import batch_of_step
from a2lc.segmentation.transforms import Augmentation, normalise
from tests.support.training_case import CPU, fast

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


@settings(max_examples=25, deadline=None)
@given(st.integers(4, 60), st.integers(4, 60), st.floats(0.5, 2.5, width=32))
def test_scaling_gives_the_bits_of_an_image_with_its_colours_apart(height, width, factor):
    image = np.random.default_rng(height * width).integers(0, 256, (height, width, 3)).astype(np.uint8)
    size = [int(height * factor), int(width * factor)]
    view, _ = Augmentation(fast(scale=(factor, factor), crop_size=size, horizontal_flip=False))(image, image[..., 0], 0)
    apart = tv_tensors.Image(torch.tensor(image).movedim(-1, 0).contiguous())
    assert torch.equal(view, v2.functional.resize(apart, size))


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


def test_padding_of_the_needed_axis_draws_as_torchvision_does():
    image, labels = coded(20, 50)
    fill = {tv_tensors.Image: 0, tv_tensors.Mask: 255}
    compose = v2.Compose([v2.RandomCrop((24, 32), pad_if_needed=True, fill=fill), v2.RandomHorizontalFlip()])
    for seed in range(20):
        view, view_labels = Augmentation(fast(scale=None, crop_size=(24, 32)))(image, labels, seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            expected = compose(tv_tensors.Image(torch.tensor(image).movedim(-1, 0)), tv_tensors.Mask(labels))
        assert torch.equal(view, expected[0])
        assert torch.equal(view_labels, expected[1])


def padded_on_all_sides(array, crop, value):
    """Grow by what the width lacks, then by what the height lacks after that, on all four sides."""
    for axis in (1, 0):
        if array.shape[axis] < crop[axis]:
            array = np.pad(array, int((1 + crop[axis] - array.shape[axis]) / 2), constant_values=value)
    return array


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 14), st.integers(1, 14), st.sampled_from(["void", "background"]), st.integers(0, 2**62))
def test_padding_both_axes_gives_crops_of_the_image_grown_on_all_sides(height, width, padding, seed):
    labels = np.arange(1, height * width + 1, dtype=np.uint8).reshape(height, width)  # none is a padding label
    image, crop = np.stack([labels] * 3, axis=-1), (8, 6)
    options = fast(scale=None, horizontal_flip=False, crop_size=crop, padding=padding, padding_axes="both")
    view, view_labels = Augmentation(options)(image, labels, seed)
    value = 255 if padding == "void" else 0
    grown = padded_on_all_sides(labels, crop, value)
    windows = {window.tobytes() for window in np.lib.stride_tricks.sliding_window_view(grown, crop).reshape(-1, *crop)}
    assert view_labels.numpy().tobytes() in windows
    assert torch.equal(view[0], torch.where(view_labels == value, 0, view_labels))
    assert torch.equal(view[0], view[1])


def test_padding_both_axes_reaches_every_crop():
    image, labels = coded(6, 3)
    options = fast(scale=None, horizontal_flip=False, crop_size=(7, 5), padding_axes="both")  # grown to (8, 5)
    views = {Augmentation(options)(image, labels, seed)[1].numpy().tobytes() for seed in range(40)}
    grown = padded_on_all_sides(labels, (7, 5), 255)
    assert grown.shape == (8, 5)
    assert views == {grown[:7].tobytes(), grown[1:].tobytes()}


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


def test_workers_suit_the_machine(monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: range(12), raising=False)
    assert worker_count(CPU) == 0
    assert worker_count(torch.device("cuda")) == 8
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "4")
    assert worker_count(torch.device("cuda")) == 3


def test_settings_refuse_what_cannot_work():
    for bad in ({"batch_size": 1}, {"scale": (2.0, 0.5)}, {"crop_size": 0}, {"iterations": -1}, {"momentum": 1.0}):
        with pytest.raises(ValueError, match=next(iter(bad))):
            fast(**bad)
    assert fast(crop_size=[20, 30]).crop == (20, 30)
    assert fast(crop_size=20).crop == (20, 20)
