"""Kvasir-SEG: a written miniature is read, split and resized, and goes through both wings."""

from __future__ import annotations

import csv
import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydantic import TypeAdapter

from a2lc.classes import load_classes
from a2lc.cli import main
from a2lc.datasets import DatasetSettings, open_dataset
from a2lc.datasets.kvasir import Kvasir, KvasirSettings
from a2lc.foundation.errors import InputError
from a2lc.labels.check import check_pseudo_labels
from a2lc.labels.store import PseudoLabelWriter, open_pseudo_labels
from a2lc.loop.config import load_config
from grounded_sam import backends
from grounded_sam.generate import generate
from grounded_sam.settings import load_settings
from grounded_sam.sharding import Share
from tests.support.gsam_fake import install
from tests.support.tiny import SETTINGS

SIDE = 48
IMAGES = 8


def write_kvasir(root: Path, images: int = IMAGES) -> Path:
    """Images of several sizes with a reddish polyp (a box), JPEG as the official ones."""
    for folder in ("images", "masks"):
        (root / folder).mkdir(parents=True)
    for index in range(images):
        height, width = 60 + 4 * index, 90
        rng = np.random.default_rng(index)
        row, column = rng.integers(5, 25), rng.integers(5, 45)
        image = np.full((height, width, 3), (120, 110, 110), dtype=np.uint8)
        mask = np.zeros((height, width, 3), dtype=np.uint8)
        image[row : row + 24, column : column + 36] = (210, 70, 60)
        mask[row : row + 24, column : column + 36] = 255
        for folder, pixels in (("images", image), ("masks", mask)):
            Image.fromarray(pixels).save(root / folder / f"cju{index:03d}.jpg", quality=85)
    return root


def opened(root: Path, **settings: object) -> Kvasir:
    return Kvasir(KvasirSettings.model_validate({"name": "kvasir", "root": str(root), **settings}))


def test_images_and_masks_are_resized_alike(tmp_path: Path) -> None:
    settings = {"name": "kvasir", "root": str(write_kvasir(tmp_path)), "size": SIDE}
    dataset = open_dataset(TypeAdapter(DatasetSettings).validate_python(settings))
    assert (dataset.classes.names, dataset.classes.unmasked_label) == (("background", "polyp"), 0)
    assert dataset.ground_truth is not None
    for image_id in (*dataset.ids("train"), *dataset.ids("val")):
        image, labels = dataset.image(image_id), dataset.ground_truth.labels(image_id)
        assert image.shape[:2] == labels.shape == dataset.size(image_id) == (SIDE, SIDE)
        assert image.dtype == labels.dtype == np.uint8
        reddish = image[..., 0].astype(int) - image[..., 2] > 75
        assert np.mean(reddish == (labels == 1)) > 0.93
        assert set(np.unique(labels)) == {0, 1}
    assert dataset.image_path("cju001") == tmp_path / "images" / "cju001.jpg"


def test_images_as_they_are(tmp_path: Path) -> None:
    dataset = opened(write_kvasir(tmp_path), size=None)
    for index, image_id in enumerate(("cju000", "cju001", "cju002")):
        shape = (60 + 4 * index, 90)
        assert dataset.image(image_id).shape[:2] == dataset.size(image_id) == shape
        stored = np.asarray(Image.open(tmp_path / "masks" / f"{image_id}.jpg").convert("L"))
        assert ((stored > 0) & (stored < 255)).any(), "JPEG blurs black and white"
        labels = dataset.ground_truth.labels(image_id)
        assert labels.sum() == 24 * 36
        assert (labels == (stored > 127)).all()


def test_ground_truth_travels_to_other_processes(tmp_path: Path) -> None:
    truth = opened(write_kvasir(tmp_path, 2)).ground_truth
    assert np.array_equal(pickle.loads(pickle.dumps(truth)).labels("cju000"), truth.labels("cju000"))


@pytest.mark.parametrize(("images", "validation"), [(1, 0), (2, 1), (8, 1), (25, 3), (1000, 120)])
def test_without_lists_the_last_of_the_sorted_ids_validate(tmp_path: Path, images: int, validation: int) -> None:
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
        for index in range(images):
            (tmp_path / folder / f"{index:04d}.jpg").touch()
    dataset = opened(tmp_path)
    names = [f"{index:04d}" for index in range(images)]
    assert [*dataset.ids("train"), *dataset.ids("val")] == names
    assert len(dataset.ids("val")) == validation
    assert (dataset.validation_truth is None) == (validation == 0)


def test_lists(tmp_path: Path) -> None:
    root = write_kvasir(tmp_path / "data")
    (root / "val.txt").write_text("cju003\ncju001\n")
    assert opened(root).ids("val") == ("cju003", "cju001")
    assert opened(root).ids("train") == ("cju000", "cju002", "cju004", "cju005", "cju006", "cju007")
    (root / "train.txt").write_text("cju005\n")
    assert (opened(root).ids("train"), opened(root).ids("val")) == (("cju005",), ("cju003", "cju001"))
    own = tmp_path / "mine.txt"
    own.write_text("cju002\n")
    assert opened(root, train=own).ids("train") == ("cju002",)
    (root / "val.txt").unlink()
    assert "cju005" not in opened(root).ids("val")
    assert len(opened(root).ids("val")) == IMAGES - 1
    own.write_text("cju002\nabc\n")
    with pytest.raises(InputError, match=r"name images that are not in .*images.*\n.*abc"):
        opened(root, train=own)
    with pytest.raises(InputError, match="absent"):
        opened(root, val=tmp_path / "absent.txt")
    own.write_text("\n".join(f"cju{index:03d}" for index in range(IMAGES)))
    (root / "train.txt").unlink()
    with pytest.raises(InputError, match="no training image"):
        opened(root, val=own)


def test_what_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"images does not exist.*unpack kvasir-seg\.zip"):
        opened(tmp_path)
    root = write_kvasir(tmp_path / "Kvasir-SEG")
    with pytest.raises(InputError, match=r"one level too high: set dataset\.root=.*Kvasir-SEG"):
        opened(tmp_path)
    with pytest.raises(InputError, match=r"too low: set dataset\.root=.*Kvasir-SEG"):
        opened(root / "masks")
    (root / "masks" / "cju004.jpg").unlink()
    with pytest.raises(InputError, match=r"masks has no mask for images of .*1 problem\):\n.*cju004"):
        opened(root)
    (root / "masks" / "cju004.jpg").write_bytes(b"no image")
    with pytest.raises(InputError, match=r"cju004\.jpg is not an image that can be read"):
        opened(root).ground_truth.labels("cju004")


def test_hidden_files_are_no_images(tmp_path: Path) -> None:
    root = write_kvasir(tmp_path)
    (root / "images" / "._cju000.jpg").write_bytes(b"resource fork")
    assert len(opened(root).ids("train")) == IMAGES - 1


def test_the_presets_are_the_papers() -> None:
    (config,) = load_config("kvasir")
    assert (config.dataset.name, config.dataset.size, config.method) == ("kvasir", 352, "alc")
    assert (config.training.iterations, config.training.batch_size, config.training.crop_size) == (6300, 32, 352)
    assert config.network.backbone == "resnet101.tv_in1k"
    assert (config.acquisition.name, config.annotator.rule) == ("sim", "representative")
    assert config.propagation.name == "none"
    assert load_settings("kvasir").filters.score_threshold == 0.05
    assert load_settings("kvasir").dataset == config.dataset
    assert [entry.prompts for entry in load_classes("kvasir").classes] == [(), ("polyp",)]


def test_masks_have_the_resized_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("open_detector", "open_segmenter"):
        monkeypatch.setattr(backends, name, None)  # put back afterwards
    install()
    root = write_kvasir(tmp_path / "data")
    keys = [f"dataset.root={root}", f"dataset.size={SIDE}", "device=cpu"]
    finished = generate(load_settings("kvasir", keys), Share())
    assert finished is not None
    dataset = opened(root, size=SIDE)
    assert dataset.pseudo_labels == finished.root == root / "pseudo_labels"
    summary = check_pseudo_labels(finished, dataset.ids("train"), dataset.classes, dataset.size)
    assert (summary.images, summary.images_without_masks) == (IMAGES - 1, 0)
    image_id = dataset.ids("train")[0]
    assert np.mean(finished.labels(image_id) == dataset.ground_truth.labels(image_id)) > 0.93
    whole = opened(root, size=None)
    with pytest.raises(InputError, match=r"its image is 60x90, its label map 48x48"):
        check_pseudo_labels(finished, dataset.ids("train"), whole.classes, whole.size)


def test_a_run_of_two_rounds(tmp_path: Path) -> None:
    root = write_kvasir(tmp_path / "data")
    dataset = opened(root, size=SIDE)
    writer = PseudoLabelWriter(root / "pseudo_labels", dataset.classes, {"backend": "test"})
    for index, image_id in enumerate(dataset.ids("train")):
        truth = dataset.ground_truth.labels(image_id)
        masks = truth + 1 + 2 * (np.arange(SIDE) < SIDE // 2)  # polyp and background, left and right
        writer.write(image_id, truth if index % 2 else 1 - truth, masks.astype(np.uint16))
    writer.finish()
    output = tmp_path / "out"
    keys = [f"dataset.root={root}", f"dataset.size={SIDE}", f"output={output}", "rounds=2", "budget=6", "seeds=1"]
    assert main(["run", "kvasir", *keys, *SETTINGS]) == 0
    with (output / "results/kvasir/seed1.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["method"], row["round"], row["clicks"]) for row in rows] == [
        ("alc", "0", "0"), ("alc", "1", "6"), ("alc", "2", "12"),
    ]  # fmt: skip
    assert float(rows[-1]["data_miou"]) > float(rows[0]["data_miou"])
    assert 0 <= float(rows[-1]["model_miou_best"]) <= 1
    assert open_pseudo_labels(root / "pseudo_labels").image_ids() == list(dataset.ids("train"))
