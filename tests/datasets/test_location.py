"""A wrong dataset.root: the message says whether it is too high or too low, and the folder to give instead."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from a2lc.classes import ClassSet
from a2lc.datasets import DatasetSettings, open_dataset
from a2lc.datasets.location import explain_missing
from a2lc.foundation.errors import InputError
from tests.support.cityscapes_case import write_cityscapes
from tests.support.folders import make_folder


def write(name: str, root: Path, classes: ClassSet) -> None:
    if name == "pascal":
        (root / "VOCdevkit/VOC2012/JPEGImages").mkdir(parents=True)
    elif name == "folder":
        make_folder(root, classes, images=1)
    else:
        write_cityscapes(root, trainvaltest=name == "cityscapes in packages", train=["ulm_000000_000019"], val=[])


def message(name: str, root: Path, **keys: str) -> str:
    settings = {"name": name.split()[0], "root": str(root), **keys}
    with pytest.raises(InputError) as caught:
        open_dataset(TypeAdapter(DatasetSettings).validate_python(settings))
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "inside"),
    [
        ("pascal", "VOCdevkit"),
        ("pascal", "VOCdevkit/VOC2012"),
        ("cityscapes", "leftImg8bit"),
        ("cityscapes", "leftImg8bit/train"),
        ("cityscapes", "gtFine"),
        ("cityscapes in packages", "gtFine_trainvaltest"),
        ("cityscapes in packages", "leftImg8bit_trainvaltest"),
        ("cityscapes in packages", "leftImg8bit_trainvaltest/leftImg8bit"),
        ("folder", "images"),
        ("folder", "ground_truth"),
    ],
)
def test_too_low(tmp_path: Path, classes: ClassSet, name: str, inside: str) -> None:
    write(name, tmp_path / "data", classes)
    said = message(name, tmp_path / "data" / inside)
    assert said.endswith(f"data/{inside}, which is too low: set dataset.root={tmp_path / 'data'}")


@pytest.mark.parametrize("name", ["pascal", "cityscapes", "cityscapes in packages", "folder"])
def test_too_high(tmp_path: Path, classes: ClassSet, name: str) -> None:
    write(name, tmp_path / "data", classes)
    (tmp_path / "other").mkdir()
    expected = f"dataset.root is {tmp_path}, which is one level too high: set dataset.root={tmp_path / 'data'}"
    assert message(name, tmp_path) == expected


@pytest.mark.parametrize("name", ["pascal", "cityscapes", "folder"])
def test_a_root_that_is_not_there(tmp_path: Path, name: str) -> None:
    assert f"not even the folder {tmp_path / 'absent'} does: " in message(name, tmp_path / "absent")
    (tmp_path / "file").write_text("")
    assert message(name, tmp_path / "file") == f"{tmp_path / 'file'} is a file: set dataset.root to a folder"


def test_several_right_folders_below(tmp_path: Path) -> None:
    for name in "dbca":
        (tmp_path / name / "mark").mkdir(parents=True)
    error = explain_missing(tmp_path / "mark", tmp_path, [Path("mark")], "make it")
    named = re.findall(r"dataset\.root=\S*/(\w)", str(error))
    assert named == ["a", "b", "c"]


def test_a_class_list_elsewhere_says_nothing_about_the_root(tmp_path: Path, classes: ClassSet) -> None:
    classes.write(tmp_path / "classes.yaml")
    (tmp_path / "photos").mkdir()
    for elsewhere in (str(tmp_path / "classes.yaml"), "../classes.yaml"):
        said = message("folder", tmp_path / "photos", classes=elsewhere)
        assert said == f"{tmp_path / 'photos/images'} does not exist: put the images there or set dataset.images"
