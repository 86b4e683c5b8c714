"""Cityscapes: both layouts, labelIds read as trainIds, and what is said when files are missing or of a wrong kind."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydantic import TypeAdapter

from a2lc.classes import load_classes
from a2lc.datasets import DatasetSettings, open_dataset
from a2lc.datasets.cityscapes import Cityscapes, CityscapesSettings
from a2lc.foundation.errors import InputError
from a2lc.foundation.images import write_image
from a2lc.labels.store import open_pseudo_labels
from tests.support.cityscapes_case import (
    DRAWN,
    TRAIN,
    UNDETECTED,
    VAL,
    draw_scene,
    write_cityscapes,
    write_research_masks,
)

# written by hand from the published label table, in the order of labelIds
EVALUATED = {
    7: "road", 8: "sidewalk", 11: "building", 12: "wall", 13: "fence", 17: "pole", 19: "traffic light",
    20: "traffic sign", 21: "vegetation", 22: "terrain", 23: "sky", 24: "person", 25: "rider", 26: "car", 27: "truck",
    28: "bus", 31: "train", 32: "motorcycle", 33: "bicycle",
}  # fmt: skip
FIRST = TRAIN[0]


def opened(root: Path) -> Cityscapes:
    return Cityscapes(CityscapesSettings(name="cityscapes", root=root))


def label_file(root: Path, image_id: str = FIRST, kind: str = "labelIds") -> Path:
    return root / "gtFine" / "train" / image_id.split("_")[0] / f"{image_id}_gtFine_{kind}.png"


@pytest.mark.parametrize("trainvaltest", [False, True])
def test_both_layouts(tmp_path: Path, trainvaltest: bool) -> None:
    root = write_cityscapes(tmp_path, trainvaltest=trainvaltest, train=TRAIN[::-1])
    settings = TypeAdapter(DatasetSettings).validate_python({"name": "cityscapes", "root": str(root)})
    dataset = open_dataset(settings)
    assert dataset.ids("train") == TRAIN
    assert dataset.ids("val") == VAL
    assert dataset.pseudo_labels is None
    assert dataset.ground_truth is not None
    assert dataset.validation_truth is not None
    for image_id, truth in ((FIRST, dataset.ground_truth), (VAL[-1], dataset.validation_truth)):
        scene = draw_scene(image_id)
        assert np.array_equal(dataset.image(image_id), scene.image)
        expected = [[DRAWN.get(int(label_id), 255) for label_id in row] for row in scene.label_ids]
        assert truth.labels(image_id).tolist() == expected
    assert dataset.image_path(VAL[0]).name == f"{VAL[0]}_leftImg8bit.png"


def test_every_label_id(tmp_path: Path) -> None:
    root = write_cityscapes(tmp_path)
    stored = np.array([[*range(34), 255]], dtype=np.uint8)
    write_image(label_file(root), stored)
    dataset = opened(root)
    assert dataset.ground_truth is not None
    labels = dataset.ground_truth.labels(FIRST)
    assert labels.dtype == np.uint8
    names = [dataset.classes.name_of(int(label)) for label in labels[0]]
    assert names == [EVALUATED.get(int(label_id), "void") for label_id in stored[0]]


def test_classes() -> None:
    classes = load_classes("cityscapes")
    assert classes.names == tuple(EVALUATED.values())
    assert (classes.unmasked, classes.void) == ("void", 255)
    assert [entry.prompts for entry in classes.classes] == [(name.replace(" ", ""),) for name in classes.names]
    assert len({entry.color for entry in classes.classes}) == 19
    assert classes.classes[18].color == (119, 11, 32)


def test_ground_truth_travels_to_other_processes(tmp_path: Path) -> None:
    truth = opened(write_cityscapes(tmp_path)).ground_truth
    assert truth is not None
    assert np.array_equal(pickle.loads(pickle.dumps(truth)).labels(FIRST), truth.labels(FIRST))


def test_train_list(tmp_path: Path) -> None:
    root = write_cityscapes(tmp_path)
    listed = root / "leftImg8bit" / "train.txt"
    listed.write_text(f"{TRAIN[2]}\n{TRAIN[0]}\n")
    assert opened(root).ids("train") == (TRAIN[2], TRAIN[0])
    assert opened(root).ids("val") == VAL
    listed.write_text(f"{TRAIN[0]}\n{VAL[0]}\n")
    with pytest.raises(InputError, match=rf"train\.txt names images that are not in .*1 problem\):\n.*{VAL[0]}"):
        opened(root)


def test_hidden_files_are_no_images(tmp_path: Path) -> None:
    root = write_cityscapes(tmp_path)
    (root / "leftImg8bit/train/aachen" / f"._{FIRST}_leftImg8bit.png").write_bytes(b"resource fork")
    assert opened(root).ids("train") == TRAIN


def test_without_ground_truth(tmp_path: Path) -> None:
    dataset = opened(write_cityscapes(tmp_path / "none", truth=False))
    assert dataset.ground_truth is dataset.validation_truth is None
    root = write_cityscapes(tmp_path / "half")
    (root / "gtFine" / "train").rename(root / "gtFine" / "kept_elsewhere")
    half = opened(root)
    assert half.ground_truth is None
    assert half.validation_truth is not None


def test_without_validation_images(tmp_path: Path) -> None:
    dataset = opened(write_cityscapes(tmp_path, val=()))
    assert dataset.ids("val") == ()
    assert dataset.validation_truth is None


def test_missing_ground_truth_of_one_image(tmp_path: Path) -> None:
    root = write_cityscapes(tmp_path)
    label_file(root).unlink()
    truth = opened(root).ground_truth
    assert truth is not None
    assert truth.labels(TRAIN[1]).shape == (64, 128)
    with pytest.raises(InputError, match=f"{FIRST}_gtFine_labelIds.png does not exist but other images"):
        truth.labels(FIRST)


def test_files_of_another_kind(tmp_path: Path) -> None:
    root = write_cityscapes(tmp_path)
    label_file(root, kind="instanceIds").replace(label_file(root))
    write_image(label_file(root, TRAIN[1]), np.array([[7, 34]], dtype=np.uint8))
    write_image(label_file(root, TRAIN[2]), draw_scene(TRAIN[2]).image)
    truth = opened(root).ground_truth
    assert truth is not None
    with Image.open(label_file(root)) as image:
        assert image.mode.startswith("I")
    for image_id, message in (
        (TRAIN[0], r"labelIds\.png has labelId \d{5}, .*is it a file of another kind"),
        (TRAIN[1], r"labelIds\.png has labelId 34, but labelIds end at 33"),
        (TRAIN[2], r"labelIds\.png has mode RGB: expected one index per pixel"),
    ):
        with pytest.raises(InputError, match=image_id + ".*" + message):
            truth.labels(image_id)


def test_truncated_files_are_named(tmp_path: Path) -> None:
    dataset = opened(write_cityscapes(tmp_path))
    for path in (dataset.image_path(FIRST), label_file(tmp_path)):
        path.write_bytes(path.read_bytes()[:-200])
    assert dataset.ground_truth is not None
    for read, ending in ((dataset.image, "leftImg8bit"), (dataset.ground_truth.labels, "gtFine_labelIds")):
        with pytest.raises(InputError, match=rf"{FIRST}_{ending}\.png cannot be read"):
            read(FIRST)


def test_images_that_are_not_there(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "absent"):
        with pytest.raises(InputError, match=r"login.*leftImg8bit_trainvaltest\.zip and gtFine_train") as caught:
            opened(folder)
        assert f"unpack both in {folder}, or set dataset.root" in str(caught.value)
    (tmp_path / "leftImg8bit").mkdir()
    with pytest.raises(InputError, match=r"leftImg8bit/train holds no <city>/\*_leftImg8bit\.png"):
        opened(tmp_path)


def test_research_masks_belong_to_the_images(tmp_path: Path) -> None:
    dataset = opened(write_cityscapes(tmp_path / "data", big=True))
    wrong = write_research_masks(tmp_path / "0.2", big=True)
    found = open_pseudo_labels(tmp_path / "0.2")
    assert tuple(found.image_ids()) == dataset.ids("train")
    assert dataset.image(TRAIN[-1]).shape == (1024, 2048, 3)
    assert not found.masks(TRAIN[UNDETECTED]).any()
    assert dataset.ground_truth is not None
    assert len(wrong) > len(TRAIN)
    for image_id in dataset.ids("train"):
        labels, masks, truth = found.labels(image_id), found.masks(image_id), dataset.ground_truth.labels(image_id)
        assert labels.shape == masks.shape == truth.shape == dataset.image(image_id).shape[:2]
        for mask_id in np.unique(masks[masks > 0]):
            inside = masks == mask_id
            right = int(np.bincount(truth[inside & (truth < 255)]).argmax())
            guess = int(labels[inside][0])
            assert wrong.get((image_id, int(mask_id)), (right, right)) == (guess, right)
