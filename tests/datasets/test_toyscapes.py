"""Toyscapes: the drawn scenes, the simulated detector, and the folder they are written to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from a2lc.classes import load_classes
from a2lc.datasets.folder import Folder, FolderSettings
from a2lc.datasets.toyscapes import Toyscapes, ToyscapesSettings
from a2lc.datasets.toyscapes.canvas import Kind, Scene, SceneObject
from a2lc.datasets.toyscapes.detector import CONFUSIONS, detect
from a2lc.datasets.toyscapes.scene import scene
from a2lc.foundation.errors import InputError
from a2lc.labels.store import open_pseudo_labels

VOID = 255
NUM_CLASSES = len(Kind)
pytestmark = pytest.mark.xdist_group("toyscapes")  # what they share takes long to make


@pytest.fixture(scope="module")
def train() -> list[tuple[Scene, np.ndarray, np.ndarray]]:
    """The default training images: scene, pseudo-labels, masks."""
    drawn = [scene(0, index) for index in range(60)]
    return [(one, *detect(one, 0, index)) for index, one in enumerate(drawn)]


def settings(root: Path, **changes: int | str) -> ToyscapesSettings:
    small = {"train_images": 3, "val_images": 2, "height": 40, "width": 64}
    return ToyscapesSettings(root=root, **{**small, **changes})


def contents(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }


def mean_iou(truths: list[np.ndarray], labels: list[np.ndarray]) -> float:
    """Mean IoU over the classes, pixels that are void in the labels left out; written from the formula."""
    truth, label = np.concatenate([t.ravel() for t in truths]), np.concatenate([v.ravel() for v in labels])
    truth, label = truth[label != VOID], label[label != VOID]
    return float(
        np.mean([((truth == c) & (label == c)).sum() / ((truth == c) | (label == c)).sum() for c in range(NUM_CLASSES)])
    )


def majority(truth: np.ndarray, masks: np.ndarray) -> dict[int, int]:
    return {int(k): int(np.bincount(truth[masks == k]).argmax()) for k in np.unique(masks[masks > 0])}


def test_the_kinds_are_the_classes_of_the_class_list() -> None:
    assert load_classes("toyscapes").names == tuple(kind.name.lower().replace("_", " ") for kind in Kind)


def test_a_scene_is_a_function_of_seed_and_index() -> None:
    first, again, other_seed, other_index = scene(1, 2, 40, 64), scene(1, 2, 40, 64), scene(2, 2, 40, 64), scene(1, 3)
    np.testing.assert_array_equal(first.image, again.image)
    np.testing.assert_array_equal(first.labels, again.labels)
    for one, two in zip(detect(first, 1, 2), detect(again, 1, 2), strict=True):
        np.testing.assert_array_equal(one, two)
    assert (first.image != other_seed.image).mean() > 0.5
    assert other_index.image.shape == (96, 160, 3)
    assert other_index.image.dtype == other_index.labels.dtype == np.uint8


def test_the_visible_objects_partition_the_picture() -> None:
    drawn = scene(0, 5, 48, 80)
    np.testing.assert_array_equal(sum(entry.mask.astype(int) for entry in drawn.objects), np.ones((48, 80)))
    for entry in drawn.objects:
        assert set(drawn.labels[entry.mask]) == {entry.label}
        assert 0 <= entry.oddness <= 1


def test_the_classes_have_a_long_tail(train: list) -> None:
    pixels = np.bincount(np.concatenate([one.labels.ravel() for one, _, _ in train]), minlength=NUM_CLASSES)
    assert pixels.size == NUM_CLASSES
    assert pixels.min() > 0
    assert pixels.min() < pixels.max() / 20


def test_pseudo_labels_are_constant_inside_a_mask_and_void_outside(train: list) -> None:
    for one, labels, masks in train:
        assert labels.dtype == np.uint8
        assert masks.dtype == np.uint16
        assert labels.shape == masks.shape == one.labels.shape
        assert (labels[masks == 0] == VOID).all()
        assert np.unique(masks[masks > 0]).tolist() == list(range(1, masks.max() + 1))
        for mask_id in range(1, masks.max() + 1):
            assert len(set(labels[masks == mask_id])) == 1
        assert labels[masks > 0].max() < NUM_CLASSES


def test_the_pseudo_labels_are_half_right_and_their_masks_good(train: list) -> None:
    truths = [one.labels for one, _, _ in train]
    corrected, wrong, large_wrong = [], [], 0
    for truth, (_, labels, masks) in zip(truths, train, strict=True):
        right = majority(truth, masks)
        lut = np.array([VOID, *right.values()], dtype=np.uint8)
        corrected.append(lut[masks])
        for mask_id, label in right.items():
            inside = masks == mask_id
            wrong.append(label != labels[inside][0])
            large_wrong += wrong[-1] and inside.mean() > 0.03
    assert 0.45 < mean_iou(truths, [labels for _, labels, _ in train]) < 0.6
    assert mean_iou(truths, corrected) > 0.85
    assert 0.3 < np.mean(wrong) < 0.4
    assert large_wrong > 60  # more than one an image
    assert 10 < len(wrong) / len(train) < 16


def test_most_buses_are_called_car_and_odd_objects_are_misnamed_more_often() -> None:
    def named_car(oddness: float) -> float:
        mask = np.zeros((48, 80), dtype=bool)
        mask[10:30, 20:60] = True
        labels = np.where(mask, Kind.BUS, Kind.ROAD).astype(np.uint8)
        objects = (SceneObject(Kind.ROAD, 0.0, ~mask), SceneObject(Kind.BUS, oddness, mask))
        street = Scene(np.zeros((48, 80, 3), dtype=np.uint8), labels, objects)
        return float(np.mean([detect(street, 0, index)[0][20, 40] == Kind.CAR for index in range(150)]))

    (_, chance), *_ = CONFUSIONS[Kind.BUS]
    assert named_car(0.0) == pytest.approx(0.5 * chance * 0.95, abs=0.12)  # 5 % of the buses are overlooked
    assert named_car(1.0) == pytest.approx(1.5 * chance * 0.95, abs=0.12)


def test_it_fulfils_the_data_set_protocol(tmp_path: Path) -> None:
    dataset = Toyscapes(settings(tmp_path / "toy"))
    assert dataset.ids("train") == ("train_0000", "train_0001", "train_0002")
    assert dataset.ids("val") == ("val_0000", "val_0001")
    assert dataset.image("train_0001").shape == (40, 64, 3)
    assert dataset.ground_truth is not None
    assert dataset.validation_truth is not None
    np.testing.assert_array_equal(dataset.ground_truth.labels("train_0001"), scene(0, 1, 40, 64).labels)
    assert dataset.validation_truth.labels("val_0001").shape == (40, 64)
    assert dataset.pseudo_labels == tmp_path / "toy" / "pseudo_labels"
    pseudo_labels = open_pseudo_labels(dataset.pseudo_labels)
    assert pseudo_labels.image_ids() == list(dataset.ids("train"))
    labels, masks = detect(scene(0, 1, 40, 64), 0, 1)
    np.testing.assert_array_equal(pseudo_labels.labels("train_0001"), labels)
    np.testing.assert_array_equal(pseudo_labels.masks("train_0001"), masks)


def test_the_folder_is_a_plain_folder_data_set_with_the_same_bytes_every_time(tmp_path: Path) -> None:
    first, second = Toyscapes(settings(tmp_path / "a")), Toyscapes(settings(tmp_path / "b"))
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    assert contents(tmp_path / "a") != contents_of_seed_one(tmp_path)
    folder = Folder(FolderSettings(name="folder", root=tmp_path / "a"))
    assert folder.classes == first.classes == load_classes("toyscapes")
    np.testing.assert_array_equal(folder.image("val_0000"), second.image("val_0000"))


def contents_of_seed_one(tmp_path: Path) -> dict[str, bytes]:
    Toyscapes(settings(tmp_path / "c", seed=1))
    return contents(tmp_path / "c")


def test_more_training_images_change_no_other_image(tmp_path: Path) -> None:
    Toyscapes(settings(tmp_path / "few"))
    Toyscapes(settings(tmp_path / "many", train_images=4))
    few, many = contents(tmp_path / "few"), contents(tmp_path / "many")
    pictures = [name for name in few if name.endswith(".png")]
    assert len(pictures) == 5 * 2 + 3 * 2
    assert all(few[name] == many[name] for name in pictures)


def test_an_interrupted_generation_is_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    root = tmp_path / "toy"
    with monkeypatch.context() as patch:
        patch.setattr("a2lc.datasets.toyscapes.dataset.write_text", killed)
        with pytest.raises(KeyboardInterrupt):
            Toyscapes(settings(root))
    (root / "images" / ".part.train_0000.png").write_bytes(b"half a picture")  # what a hard kill leaves behind
    (root / "images" / "train_0001.png").unlink()
    assert not (root / "toyscapes.json").exists()
    Toyscapes(settings(root))
    Toyscapes(settings(tmp_path / "undisturbed"))
    assert contents(root) == contents(tmp_path / "undisturbed")


def test_a_finished_folder_is_used_as_it_is(tmp_path: Path) -> None:
    Toyscapes(settings(tmp_path))
    drawn = {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in tmp_path.rglob("*.*")}
    assert len(drawn) > 9
    assert len(Toyscapes(settings(tmp_path)).ids("train")) == 3
    assert {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in tmp_path.rglob("*.*")} == drawn


def test_other_settings_toyscapes_are_refused(tmp_path: Path) -> None:
    Toyscapes(settings(tmp_path))
    before = contents(tmp_path)
    with pytest.raises(
        InputError, match=r"other settings \(train_images 3 instead of 2, seed 0 instead of 7\): choose"
    ):
        Toyscapes(settings(tmp_path, train_images=2, seed=7))
    assert contents(tmp_path) == before


@pytest.mark.parametrize("name", ["notes.txt", "images/holiday.png", "images/train_0003.png"])
def test_a_folder_with_foreign_files_is_refused_and_left_alone(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("mine")
    with pytest.raises(
        InputError, match=rf"holds no finished toyscapes, but '{name}': set dataset.root to a new folder"
    ):
        Toyscapes(settings(tmp_path))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / name]
    assert (tmp_path / name).read_text() == "mine"


def test_a_root_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "toy").write_text("mine")
    with pytest.raises(InputError, match="is not a folder"):
        Toyscapes(settings(tmp_path / "toy"))


def test_a_damaged_stamp_is_told(tmp_path: Path) -> None:
    (tmp_path / "toyscapes.json").write_text("{")
    with pytest.raises(InputError, match=r"toyscapes\.json is damaged: delete the folder"):
        Toyscapes(settings(tmp_path))


def test_night_is_the_same_scene_darker_bluish_and_noisy(tmp_path: Path) -> None:
    day, night = Toyscapes(settings(tmp_path / "day")), Toyscapes(settings(tmp_path / "night", light="night"))
    for image_id in day.ids("train") + day.ids("val"):
        assert np.array_equal(day.ground_truth.labels(image_id), night.ground_truth.labels(image_id))
        bright, dark = (dataset.image(image_id).astype(float).mean(axis=(0, 1)) for dataset in (day, night))
        assert (dark < 0.75 * bright).all()
        assert dark[2] / dark[0] > 1.3 * bright[2] / bright[0]
    again = Toyscapes(settings(tmp_path / "again", light="night"))
    assert contents(tmp_path / "night") == contents(tmp_path / "again")
    assert again.ids("train") == night.ids("train")


def test_a_folder_of_the_day_says_nothing_of_light_and_is_not_taken_for_night(tmp_path: Path) -> None:
    Toyscapes(settings(tmp_path))
    assert "light" not in (tmp_path / "toyscapes.json").read_text()
    with pytest.raises(InputError, match="light None instead of night"):
        Toyscapes(settings(tmp_path, light="night"))
    Toyscapes(settings(tmp_path / "night", light="night"))
    with pytest.raises(InputError, match="light night instead of None"):
        Toyscapes(settings(tmp_path / "night"))
