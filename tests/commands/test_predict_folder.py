"""Predicting a folder: what is written, what is skipped, and what is refused; overlays by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from safetensors.torch import save_file

from a2lc.classes import ClassSet, load_classes, parse_classes
from a2lc.commands.predict_folder import images_below, predict_images
from a2lc.formats.png import LabelFolder
from a2lc.foundation.errors import InputError
from a2lc.foundation.images import read_image, write_image
from a2lc.labels.overlay import draw_overlay
from a2lc.segmentation import build_network
from tests.support.training_case import CPU, NETWORK, fast

OPTIONS = fast(mean=(0.1, 0.2, 0.3), std=(0.5, 0.6, 0.7))


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Three images of different sizes, one in a sub-folder."""
    rng = np.random.default_rng(0)
    for name, size in (("a.png", (40, 32)), ("b.c.bmp", (33, 47)), ("street/d.png", (32, 32))):
        write_image(tmp_path / "photos" / name, rng.integers(0, 256, (*size, 3), dtype=np.uint8))
    return tmp_path / "photos"


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    return weights_of_seed(3, tmp_path / "weights.safetensors")


def weights_of_seed(seed: int, path: Path) -> Path:
    save_file(build_network(NETWORK, 3, seed=seed).state_dict(), path)
    return path


def run(weights: Path, photos: Path, classes: ClassSet, target: Path, **more: float) -> int:
    return predict_images(NETWORK, weights, images_below(photos), classes, OPTIONS, CPU, target, **more)


def contents(target: Path) -> dict[str, tuple[bytes, int]]:
    files = (path for path in target.rglob("*") if path.is_file())
    return {path.relative_to(target).as_posix(): (path.read_bytes(), path.stat().st_ino) for path in files}


@pytest.mark.parametrize("workers", [0, 2])
def test_labels_are_the_classes_with_the_highest_logit(
    tmp_path: Path, photos: Path, weights: Path, classes: ClassSet, workers: int
) -> None:
    target = tmp_path / "predicted"
    assert run(weights, photos, classes, target, workers=workers) == 3
    network = build_network(NETWORK, 3, seed=3).eval()
    written = LabelFolder(target / "labels", 3)
    seen = set()
    for image_id, path in (("a", "a.png"), ("b.c", "b.c.bmp"), ("street/d", "street/d.png")):
        image = read_image(photos / path)
        normalised = ((torch.tensor(image) / 255 - torch.tensor(OPTIONS.mean)) / torch.tensor(OPTIONS.std)).float()
        with torch.no_grad():
            expected = network(normalised.movedim(-1, 0)[None])[0].argmax(0).numpy()
        labels = written.labels(image_id)
        np.testing.assert_array_equal(labels, expected)
        seen |= set(np.unique(labels).tolist())
        write_image(tmp_path / "overlay.jpg", draw_overlay(image, labels, classes))
        assert (target / "overlays" / f"{image_id}.jpg").read_bytes() == (tmp_path / "overlay.jpg").read_bytes()
    assert len(seen) > 1, "a network that tells nothing apart would prove nothing"
    assert load_classes(target / "classes.yaml") == classes
    assert not [name for name in contents(target) if ".part." in name]


def test_killed_prediction_continues_and_leaves_finished_images_alone(
    tmp_path: Path, photos: Path, weights: Path, classes: ClassSet
) -> None:
    target = tmp_path / "predicted"
    run(weights, photos, classes, target)
    before = contents(target)
    (target / "labels" / "a.png").unlink()
    (target / "overlays" / "street" / "d.jpg").unlink()
    assert run(weights, photos, classes, target) == 2
    after = contents(target)
    assert {name: data for name, (data, _) in after.items()} == {name: data for name, (data, _) in before.items()}
    for name in ("predict.json", "labels/b.c.png", "overlays/b.c.jpg"):
        assert after[name] == before[name], f"{name} was written again"
    assert run(weights, photos, classes, target) == 0


def test_target_made_otherwise_is_refused_and_left_alone(
    tmp_path: Path, photos: Path, weights: Path, classes: ClassSet
) -> None:
    target, other = tmp_path / "predicted", weights_of_seed(4, tmp_path / "other.safetensors")
    run(weights, photos, classes, target)
    before = contents(target)
    with pytest.raises(InputError, match=r"predicted was predicted with other weights: choose a new folder"):
        run(other, photos, classes, target)
    renamed = parse_classes({"classes": ["ground", "disc", "box"]}, "renamed")
    with pytest.raises(InputError, match=r"with other classes and opacity:"):
        run(weights, photos, renamed, target, opacity=0.25)
    assert contents(target) == before
    (target / "predict.json").write_text("[1")
    with pytest.raises(InputError, match=r"predict\.json is not what a prediction writes"):
        run(weights, photos, classes, target)
    with pytest.raises(InputError, match=r"photos is not empty: choose a new folder"):
        run(weights, photos, classes, photos)


def test_weights_of_another_network_are_refused_before_anything_is_written(
    tmp_path: Path, photos: Path, weights: Path
) -> None:
    two = parse_classes({"classes": ["ground", "box"]}, "two")
    with pytest.raises(InputError, match=r"weights\.safetensors belong to another network"):
        run(weights, photos, two, tmp_path / "predicted")
    assert not (tmp_path / "predicted").exists()


@pytest.mark.parametrize("workers", [0, 2])
def test_unreadable_image_is_named_and_earlier_ones_stay(
    tmp_path: Path, photos: Path, weights: Path, classes: ClassSet, workers: int
) -> None:
    (photos / "b.c.bmp").write_bytes(b"no image")
    with pytest.raises(InputError, match=r"b\.c\.bmp is not an image that can be read"):
        run(weights, photos, classes, tmp_path / "predicted", workers=workers)
    files = [name for name in contents(tmp_path / "predicted") if "/" in name]
    assert sorted(files) == ["labels/a.png", "overlays/a.jpg"]


def test_predictions_below_the_image_folder_are_no_images(photos: Path, weights: Path, classes: ClassSet) -> None:
    for expected in (3, 0):
        assert run(weights, photos, classes, photos / "made" / "predicted") == expected


def test_images_below(tmp_path: Path, photos: Path) -> None:
    (photos / "notes.txt").touch()
    (photos / "._a.png").touch()
    assert images_below(photos) == {
        "a": photos / "a.png", "b.c": photos / "b.c.bmp", "street/d": photos / "street" / "d.png",
    }  # fmt: skip
    assert images_below(photos / "b.c.bmp") == {"b.c": photos / "b.c.bmp"}
    (photos / "street" / "d.JPG").touch()
    with pytest.raises(InputError, match=r"street/d\.JPG and .*street/d\.png differ only in their suffix: rename one"):
        images_below(photos)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"empty holds no image"):
        images_below(tmp_path / "empty")
    with pytest.raises(InputError, match=r"notes\.txt is no image"):
        images_below(photos / "notes.txt")
    with pytest.raises(InputError, match=r"nowhere does not exist"):
        images_below(tmp_path / "nowhere")


# ---- overlays

COLORS = [[10, 20, 30], [200, 100, 0], [0, 51, 255]]
WHITE = [255, 255, 255]


def colored(unmasked: str) -> ClassSet:
    entries = [{"name": f"class {index}", "color": color} for index, color in enumerate(COLORS)]
    return parse_classes({"classes": entries, "unmasked": unmasked}, "colored")


def test_overlay_of_a_known_blend() -> None:
    image = np.full((5, 8, 3), 100, dtype=np.uint8)
    labels = np.zeros((5, 8), dtype=np.uint8)
    labels[:, 4:] = 1
    overlay = draw_overlay(image, labels, colored("void"), opacity=0.25)
    assert overlay[2].tolist() == [
        *[[78, 80, 82]] * 3, WHITE,  # 100 + 0.25 (10 - 100) = 77.5, 80, 82.5; halves go to the even number
        WHITE, *[[125, 100, 75]] * 3,
    ]  # fmt: skip
    plain_background = draw_overlay(image, labels, colored("background"), opacity=0.25)
    assert (plain_background[:, :4] == 100).all()
    assert (plain_background[:, 4:] == overlay[:, 4:]).all()


@given(
    arrays(np.uint8, (4, 5, 3)),
    arrays(np.uint8, (4, 5), elements=st.sampled_from([0, 1, 2, 255])),
    st.floats(0, 1),
    st.sampled_from(["void", "background"]),
)
def test_overlay_pixel_by_pixel(image: np.ndarray, labels: np.ndarray, opacity: float, unmasked: str) -> None:
    overlay = draw_overlay(image, labels, colored(unmasked), opacity)
    for row, column in np.ndindex(labels.shape):
        label = labels[row, column]
        near = [(row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)]
        boundary = any(labels[r, c] != label for r, c in near if 0 <= r < 4 and 0 <= c < 5)
        if label == 255 or (label == 0 and unmasked == "background"):
            expected = image[row, column]
        elif boundary:
            expected = np.array(WHITE)
        else:
            expected = (1 - opacity) * image[row, column] + opacity * np.array(COLORS[label])
        assert np.abs(overlay[row, column] - expected).max() <= 0.5 + 1e-4
