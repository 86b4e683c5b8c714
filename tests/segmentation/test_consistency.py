"""Teacher and student: the averages, mixings and lessons against their formulas; kills and refusals."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch.nn import functional

from a2lc.foundation.errors import InputError
from a2lc.segmentation import OBJECTIVES, Progress, TrainingResult, build_network, make_objective
from a2lc.segmentation.consistency import (
    METHODS,
    MIXINGS,
    ConsistencySettings,
    LabelledImages,
    Teacher,
    UnlabelledImages,
    train_with_teacher,
)
from a2lc.segmentation.consistency.base import Batch, Lesson
from a2lc.segmentation.consistency.perturbation import dropped_channels
from a2lc.segmentation.consistency.pseudo_labels import ConfidentPixels, ConfidentShare, PseudoLabels
from a2lc.segmentation.consistency.samples import WeakView
from a2lc.segmentation.consistency.strong_view import StrongView
from a2lc.segmentation.randomness import torch_seed
from tests.support import toy_objective
from tests.support.training_case import CPU, IDS, NETWORK, Pictures, fast, run_training, same

VOID = 255
UNLABELLED = ("image_3", "image_4", "image_5", "image_6")


def settings(name: str, **changes: object) -> ConsistencySettings:
    return ConsistencySettings.model_validate({"name": name, "threshold": 0.4, **changes})


def train(folder: Path, name: str = "unimatch", *, unlabelled: tuple[str, ...] = UNLABELLED, **given) -> TrainingResult:
    pictures = Pictures()
    hooks = {hook: given.pop(hook) for hook in ("validate", "on_progress") if hook in given}
    objective = given.pop("objective", "cross_entropy")
    options = fast(objective=objective, **given.pop("training", {}))
    return train_with_teacher(
        build_network(given.pop("network", NETWORK), make_objective(options, 2).channels, seed=1),
        LabelledImages(pictures.image, pictures, IDS[:3]),
        UnlabelledImages(pictures.image, unlabelled),
        options,
        settings(name, **given),
        num_classes=2, folder=folder, keys=(1, 0), device=CPU, **hooks,
    )  # fmt: skip


# ---- the teacher


def test_the_teacher_is_the_running_mean_of_its_student() -> None:
    student = build_network(NETWORK, 2, seed=1)
    teacher = Teacher(student, decay=0.8)
    rng = np.random.default_rng(0)
    mean = {name: tensor.double().numpy().copy() for name, tensor in student.state_dict().items()}
    for step in range(1, 9):
        with torch.no_grad():
            for tensor in student.state_dict().values():
                if tensor.is_floating_point():
                    tensor.add_(torch.from_numpy(rng.normal(size=tensor.shape)).float())
        teacher.follow(student, step)
        decay = min(0.8, 1 - 1 / step)
        for name, tensor in student.state_dict().items():
            mean[name] = decay * mean[name] + (1 - decay) * tensor.double().numpy()
    for name, tensor in teacher.state_dict().items():
        if tensor.is_floating_point():
            np.testing.assert_allclose(tensor.numpy(), mean[name], rtol=1e-5, atol=1e-5)
    assert not teacher.network.training
    assert not any(parameter.requires_grad for parameter in teacher.network.parameters())


def test_a_teacher_without_memory_is_the_student() -> None:
    student, other = build_network(NETWORK, 2, seed=1), build_network(NETWORK, 2, seed=2)
    teacher = Teacher(student, decay=0.0)
    teacher.follow(other, step=7)
    assert same(teacher.state_dict(), other.state_dict())


# ---- mixing


def test_cutmix_draws_one_rectangle_of_the_areas_and_shapes_asked_for() -> None:
    height, width, seen = 40, 60, 0
    given = settings("fixmatch", cutmix={"probability": 0.7, "area": [0.1, 0.3], "ratio": [0.5, 2.0]})
    with torch_seed(3):
        masks = MIXINGS["cutmix"](given).mask(torch.zeros(200, height, width, dtype=torch.uint8), VOID)
    for mask in masks.numpy():
        if not mask.any():
            continue
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        assert mask.sum() == (rows[-1] - rows[0] + 1) * (columns[-1] - columns[0] + 1), "no rectangle"
        high, wide = len(rows), len(columns)
        assert 0.1 * height * width <= (high + 1) * (wide + 1)
        assert high * wide <= 0.3 * height * width
        assert (high + 1) / height / (wide / width) >= 0.5
        assert high / height / ((wide + 1) / width) <= 2.0
        seen += 1
    assert 110 < seen < 170


def test_cutmix_finds_a_place_in_the_narrowest_crop() -> None:
    given = settings("fixmatch", cutmix={"probability": 1.0, "area": [0.9, 1.0]})
    with torch_seed(0):
        masks = MIXINGS["cutmix"](given).mask(torch.zeros(3, 8, 300, dtype=torch.uint8), VOID)
    assert (masks.sum(dim=(1, 2)) > 0.5 * 8 * 300).all()


def test_classmix_lays_on_half_of_the_classes_and_never_void() -> None:
    labels = torch.tensor([[[0, 1, 2], [3, 4, VOID]], [[7, 7, 7], [7, 7, VOID]], [[VOID] * 3] * 2], dtype=torch.uint8)
    chosen = set()
    for seed in range(40):
        with torch_seed(seed):
            masks = MIXINGS["classmix"](settings("dacs")).mask(labels, VOID)
        laid_on = {int(label) for label in labels[0][masks[0]]}
        assert len(laid_on) == 3, "five classes: three of them"
        assert VOID not in laid_on
        chosen.add(frozenset(laid_on))
        for row in range(2):
            for column in range(3):
                assert bool(masks[0, row, column]) == (int(labels[0, row, column]) in laid_on)
        assert masks[1].sum() == 5
        assert not masks[2].any()
    assert len(chosen) > 5


def test_nothing_mixes_nothing() -> None:
    assert not MIXINGS["none"](settings("fixmatch")).mask(torch.ones(2, 3, 3, dtype=torch.uint8), VOID).any()


# ---- views


def test_strong_views_change_colours_and_leave_every_pixel_in_its_place() -> None:
    ramp = torch.arange(48, dtype=torch.uint8).mul(5).expand(3, 32, 48)
    images = ramp.repeat(6, 1, 1, 1)
    with torch_seed(1):
        views = StrongView(settings("fixmatch").strong)(images)
    assert views.shape == images.shape
    assert views.dtype == torch.uint8
    assert len({view.numpy().tobytes() for view in views}) > 3, "each image in its own way"
    for view in views.float().mean(dim=(1, 2)):
        assert view[-8:].mean() > view[:8].mean(), "bright stays right, dark left"


def test_a_weak_view_says_where_it_is_padded() -> None:
    image = np.full((20, 50, 3), 77, dtype=np.uint8)
    plain = fast(crop_size=32, scale=None, horizontal_flip=False, color_jitter=0.5, padding="background")
    view, valid = WeakView(plain)(image, seed=0)
    assert view.shape == (3, 32, 32)
    assert valid.dtype == torch.bool
    assert torch.equal(valid, (view == 77).all(dim=0)), "colours stay, padding is black"
    assert valid.sum() == 20 * 32


def test_dropped_channels_are_whole_and_come_back() -> None:
    network = build_network(NETWORK, 2, seed=1).eval()
    image = torch.rand(2, 3, 32, 32)
    before = network.backbone(image)
    with torch_seed(0), dropped_channels(network.backbone, 0.5):
        during = network.backbone(image)
    for plain, dropped in zip(before, during, strict=True):
        gone = (dropped == 0).flatten(2).all(dim=2)
        assert 0 < gone.float().mean() < 1
        torch.testing.assert_close(dropped, 2 * plain * ~gone[..., None, None])
    assert all(torch.equal(*pair) for pair in zip(before, network.backbone(image), strict=True))


# ---- lessons


def batch_of(seed: int = 0) -> Batch:
    draw = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 256, (2, 2, 3, 16, 20), generator=draw, dtype=torch.uint8)
    labels = torch.randint(0, 3, (2, 16, 20), generator=draw).byte()
    labels[:, :3] = VOID
    valid = torch.ones(2, 16, 20, dtype=torch.bool)
    valid[0, :, 15:] = False
    return Batch(images[0], labels, images[1], valid)


def probabilities_of(images: torch.Tensor) -> torch.Tensor:
    """A teacher that goes by the colours."""
    return (images.float() / 40).softmax(dim=1)


def lessons_of(name: str, **changes: object) -> list[Lesson]:
    plain = {"jitter_probability": 0, "greyscale_probability": 0, "blur_probability": 0}
    make = METHODS[name].make
    assert make is not None
    with torch_seed(5):
        return list(make(settings(name, strong=plain, **changes), VOID).lessons(batch_of(), probabilities_of, 0.5))


def loss_of(lesson: Lesson, logits: torch.Tensor) -> torch.Tensor:
    objective = make_objective(fast(), 3)
    return sum(target.loss(logits, objective) for target in lesson.targets) / lesson.pixels


def logits_of() -> torch.Tensor:
    return torch.randn(2, 3, 16, 20, generator=torch.Generator().manual_seed(9))


def test_fixmatch_asks_confident_pixels_alone_and_divides_by_all_valid_ones() -> None:
    batch = batch_of()
    given, strong = lessons_of("fixmatch", threshold=0.9, cutmix={"probability": 1.0}, labelled_weight=0.7)
    assert (given.weight, strong.weight) == (0.7, 0.5)
    mixed = (strong.images != batch.weak).any(dim=1)
    assert mixed.any()
    expected = 0.0
    valid_pixels = 0
    logits = logits_of()
    for image in range(2):
        rows, columns = np.nonzero(mixed[image].numpy())
        inside = np.zeros((16, 20), dtype=bool)
        inside[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1] = True
        for row, column in np.ndindex(16, 20):
            source = 1 - image if inside[row, column] else image
            assert torch.equal(strong.images[image, :, row, column], batch.weak[source, :, row, column])
            if not batch.valid[source, row, column]:
                continue
            valid_pixels += 1
            said = probabilities_of(batch.weak)[source, :, row, column]
            if said.max() >= 0.9:
                expected -= float(logits[image, :, row, column].log_softmax(0)[said.argmax()])
    assert int(strong.pixels) == valid_pixels
    assert float(loss_of(strong, logits)) == pytest.approx(expected / valid_pixels, rel=1e-5)
    mean = functional.cross_entropy(logits, batch.labels.long(), ignore_index=VOID)
    torch.testing.assert_close(loss_of(given, logits), mean)


def test_trust_is_a_mask_of_pixels_or_one_weight_for_all() -> None:
    batch = batch_of()
    pseudo = PseudoLabels.of(probabilities_of(batch.weak), batch.valid)
    confident = pseudo.confidence >= 0.9
    labels, weight = ConfidentPixels(0.9).judge(pseudo, VOID)
    assert torch.equal(labels != VOID, confident & batch.valid)
    assert weight == 1
    labels, weight = ConfidentShare(0.9).judge(pseudo, VOID)
    assert torch.equal(labels != VOID, batch.valid)
    assert float(weight) == pytest.approx(float((confident & batch.valid).sum() / batch.valid.sum()))


def test_unimatch_has_two_strong_streams_and_one_of_perturbed_features() -> None:
    given, first, second, features = lessons_of("unimatch", feature_weight=0.6, cutmix={"probability": 1.0})
    assert [lesson.weight for lesson in (given, first, second, features)] == pytest.approx([1.0, 0.1, 0.1, 0.3])
    assert not torch.equal(first.images, second.images)
    assert torch.equal(features.images, batch_of().weak)
    assert [lesson.feature_dropout for lesson in (given, first, second, features)] == [0, 0, 0, 0.5]


def test_mean_teacher_compares_probabilities() -> None:
    batch = batch_of()
    _, taught = lessons_of("mean_teacher")
    logits = logits_of()
    squares = (logits.softmax(1) - probabilities_of(batch.weak)).square().mean(dim=1)
    torch.testing.assert_close(loss_of(taught, logits), squares[batch.valid].mean())


def test_dacs_lays_labelled_images_onto_unlabelled_ones() -> None:
    batch = batch_of()
    _, mixed = lessons_of("dacs", mixing="classmix", trust="share", threshold=0.9)
    pseudo = PseudoLabels.of(probabilities_of(batch.weak), batch.valid)
    share = float(((pseudo.confidence >= 0.9) & batch.valid).sum() / batch.valid.sum())
    expected = 0.0
    pixels = 0
    logits = logits_of()
    laid = 0
    for image, row, column in np.ndindex(2, 16, 20):
        pixel = mixed.images[image, :, row, column]
        from_source = torch.equal(pixel, batch.images[image, :, row, column])
        assert from_source or torch.equal(pixel, batch.weak[image, :, row, column])
        laid += from_source
        if from_source or batch.valid[image, row, column]:
            label = batch.labels[image, row, column] if from_source else pseudo.labels[image, row, column]
            expected -= (1 if from_source else share) * float(
                logits[image, :, row, column].log_softmax(0)[label.long()]
            )
            pixels += 1
    assert 0 < laid < 2 * 16 * 20
    assert int(mixed.pixels) == pixels
    assert float(loss_of(mixed, logits)) == pytest.approx(expected / pixels, rel=1e-4)


# ---- trainings

LEARNING = [name for name in METHODS.names() if METHODS[name].make is not None]


@pytest.mark.parametrize("name", LEARNING)
@pytest.mark.parametrize("objective", ["cross_entropy", "toy", "ecoc"])
def test_every_method_trains_with_every_objective(tmp_path: Path, name: str, objective: str) -> None:
    assert OBJECTIVES["toy"] is toy_objective.make_toy
    losses: list[float] = []

    def note(progress: Progress) -> None:
        losses.append(progress.loss)

    result = train(tmp_path, name, objective=objective, on_progress=note, ema_decay=0.9, training={"iterations": 3})
    assert result.iterations == 3
    assert np.isfinite(losses).all()


def test_supervised_is_an_ordinary_training(tmp_path: Path) -> None:
    train(tmp_path / "new", "supervised", unlabelled=())
    pictures = Pictures()
    run_training(tmp_path / "old", pictures, ids=IDS[:3], seed=1)
    assert same(*(load_file(tmp_path / name / "last.safetensors") for name in ("new", "old")))


class Killed(Exception):
    """Stands for the end of the process."""


@pytest.mark.parametrize("name", LEARNING)
def test_a_killed_training_ends_with_the_same_weights(tmp_path: Path, name: str) -> None:
    def stop(progress: Progress) -> None:
        if progress.step == 5:
            raise Killed

    given = {"ema_decay": 0.9, "ramp_up": 4}
    train(tmp_path / "alone", name, **given)
    with pytest.raises(Killed):
        train(tmp_path / "killed", name, on_progress=stop, **given)
    steps: list[int] = []
    train(tmp_path / "killed", name, on_progress=lambda progress: steps.append(progress.step), **given)
    assert steps == [5, 6], "it went on from its checkpoint"
    alone, after = (load_file(tmp_path / folder / "last.safetensors") for folder in ("alone", "killed"))
    assert same(alone, after)
    assert not (tmp_path / "killed" / "training.pt").exists()


def test_the_teacher_matters_to_what_is_resumed(tmp_path: Path) -> None:
    def stop(progress: Progress) -> None:
        if progress.step == 5:
            raise Killed

    with pytest.raises(Killed):
        train(tmp_path, on_progress=stop)
    path = tmp_path / "training.pt"
    state = torch.load(path, weights_only=True)
    for damage in ({}, {"step": 4, "teacher": {"x": torch.zeros(1)}}, {"step": 4, "teacher": None}):
        torch.save({**state, "gradients": damage}, path)
        with pytest.raises(InputError, match=r"training\.pt"):
            train(tmp_path)
    torch.save(state, path)
    with pytest.raises(InputError, match="other settings, seeds or images"):
        train(tmp_path, ema_decay=0.5)
    with pytest.raises(InputError, match="other settings, seeds or images"):
        train(tmp_path, unlabelled=UNLABELLED[:3])


def test_passes_do_not_change_the_step(tmp_path: Path) -> None:
    weights = []
    plain = NETWORK.model_copy(update={"dropout": 0.0})
    for passes in (1, 2):
        training = {"accumulation": passes, "batch_size": 4, "batchnorm": "frozen", "iterations": 1}
        train(tmp_path / str(passes), "dacs", network=plain, training=training)
        weights.append(load_file(tmp_path / str(passes) / "last.safetensors"))
    start = build_network(plain, 2, seed=1).state_dict()
    for name, tensor in weights[0].items():
        torch.testing.assert_close(tensor, weights[1][name], rtol=1e-3, atol=1e-6)
    assert not same(weights[0], start)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "fixmach"}, "did you mean fixmatch"),
        ({"mixing": "cutmixx"}, "did you mean cutmix"),
        ({"trust": "pixel"}, "did you mean pixels"),
        ({"cutmix": {"area": [0.4, 0.02]}}, "smallest, largest"),
        ({"cutmix": {"area": [0.4, 1.5]}}, "at most 1"),
        ({"cutmix": {"ratio": [2.0, 3.0]}}, "holds 1"),
        ({"strong": {"blur": [2.0, 0.1]}}, "smallest, largest"),
        ({"ema_decay": 1.0}, "less than 1"),
        ({"threshold": math.nan}, "finite"),
    ],
)
def test_senseless_settings_are_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ConsistencySettings.model_validate(changes)


def test_images_of_both_kinds_are_needed(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no unlabelled images.*supervised"):
        train(tmp_path, unlabelled=())
