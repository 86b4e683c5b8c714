"""Data sets: VOC's layout, any folder, class lists, and what is said when something is not there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from a2lc.classes import ClassSet, load_classes, parse_classes, voc_color
from a2lc.datasets import open_dataset
from a2lc.datasets.folder import Folder, FolderSettings
from a2lc.datasets.pascal import Pascal, PascalSettings
from a2lc.foundation.errors import InputError
from a2lc.foundation.images import image_size, read_image, write_image, write_label_map
from tests.support.folders import make_folder


def make_voc(root: Path) -> Path:
    base = root / "VOCdevkit" / "VOC2012"
    (base / "ImageSets/Segmentation").mkdir(parents=True)
    for split, names in (("train", ["2007_000001", "2007_000002"]), ("val", ["2007_000003"])):
        (base / f"ImageSets/Segmentation/{split}.txt").write_text("\n".join(names) + "\n")
        for name in names:
            write_image(base / "JPEGImages" / f"{name}.jpg", np.full((6, 9, 3), 120, dtype=np.uint8))
            truth = np.array([[0, 20, 255]], dtype=np.uint8).repeat(6, 0).repeat(3, 1)
            write_label_map(base / "SegmentationClass" / f"{name}.png", truth, load_classes("pascal").palette())
    return root


def test_pascal(tmp_path: Path) -> None:
    dataset = open_dataset(PascalSettings(name="pascal", root=make_voc(tmp_path)))
    assert dataset.ids("train") == ("2007_000001", "2007_000002")
    assert dataset.ids("val") == ("2007_000003",)
    assert dataset.image("2007_000003").shape == (6, 9, 3)
    assert dataset.ground_truth is not None
    assert np.unique(dataset.ground_truth.labels("2007_000001")).tolist() == [0, 20, 255]
    assert len(dataset.classes) == 21
    assert dataset.classes.classes[20].color == voc_color(20) == (0, 64, 128)


def test_pascal_with_lists_of_ones_own(tmp_path: Path) -> None:
    chosen = tmp_path / "chosen.txt"
    chosen.write_text("2007_000003\n")
    dataset = open_dataset(PascalSettings(name="pascal", root=make_voc(tmp_path), train=chosen))
    assert (dataset.ids("train"), dataset.ids("val")) == (("2007_000003",), ("2007_000003",))


def test_pascal_with_annotations_of_others(tmp_path: Path) -> None:
    root = make_voc(tmp_path)
    folder = root / "VOCdevkit/VOC2012/SegmentationClassAug"
    for name in ("2008_000005", "2007_000003", "2007_000001"):
        write_image(folder / f"{name}.png", np.full((6, 9), 7, dtype=np.uint8))
    settings = PascalSettings(name="pascal", root=root, annotations="SegmentationClassAug")
    dataset = Pascal(settings)
    assert dataset.ids("train") == ("2007_000001", "2008_000005"), "all that are not for validation"
    assert dataset.ids("val") == ("2007_000003",)
    assert (dataset.ground_truth.labels("2007_000001") == 7).all()
    with pytest.raises(InputError, match=r"SegmentationAug does not exist: set dataset\.annotations"):
        Pascal(settings.model_copy(update={"annotations": "SegmentationAug"}))


def test_real_pascal(shared: Path) -> None:
    dataset = Pascal(PascalSettings(name="pascal", root=shared / "pascal_animals"))
    assert (len(dataset.ids("train")), len(dataset.ids("val"))) == (300, 220)
    first = dataset.ids("train")[0]
    assert dataset.image(first).shape[:2] == dataset.ground_truth.labels(first).shape


def test_pascal_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"set dataset\.root to the folder that holds VOCdevkit/VOC2012"):
        Pascal(PascalSettings(name="pascal", root=tmp_path))

    def fail(*args: object, **kwargs: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr("torchvision.datasets.VOCSegmentation", fail)
    with pytest.raises(InputError, match=r"could not be downloaded \(no network\).*unpack it in"):
        Pascal(PascalSettings(name="pascal", root=tmp_path, download=True))


def test_pascal_downloads_through_torchvision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = {}

    def download(root: str, **kwargs: object) -> None:
        asked.update(root=root, **kwargs)
        make_voc(Path(root))

    monkeypatch.setattr("torchvision.datasets.VOCSegmentation", download)
    assert len(Pascal(PascalSettings(name="pascal", root=tmp_path / "voc", download=True)).ids("train")) == 2
    assert asked == {"root": str(tmp_path / "voc"), "year": "2012", "image_set": "train", "download": True}


def test_folder(tmp_path: Path, classes: ClassSet) -> None:
    root = make_folder(tmp_path / "d", classes, images=3)
    write_image(root / "images/sub/deep.er.jpg", np.zeros((4, 4, 3), dtype=np.uint8))
    (root / "val.txt").write_text("image02\n")
    (root / "train.txt").write_text("image00\nimage01\n")
    dataset = Folder(FolderSettings(name="folder", root=root))
    assert dataset.ids("train") == ("image00", "image01")
    assert dataset.ids("val") == ("image02",)
    assert dataset.image("sub/deep.er").shape == (4, 4, 3)
    assert dataset.ground_truth is not None
    assert dataset.pseudo_labels == root / "pseudo_labels"
    (root / "train.txt").unlink()
    with pytest.raises(InputError, match=r"ground truth for 2 of 3 train images but not for 'sub/deep.er'"):
        Folder(FolderSettings(name="folder", root=root))


def test_folder_without_ground_truth(tmp_path: Path, classes: ClassSet) -> None:
    dataset = Folder(FolderSettings(name="folder", root=make_folder(tmp_path, classes, truth=False)))
    assert dataset.ground_truth is dataset.validation_truth is None
    assert len(dataset.ids("train")) == 6
    assert dataset.ids("val") == ()


def test_folder_mistakes(tmp_path: Path, classes: ClassSet) -> None:
    root = make_folder(tmp_path, classes, images=2)
    write_image(root / "images/image00.jpg", np.zeros((4, 4, 3), dtype=np.uint8))
    with pytest.raises(InputError, match="differ only in their suffix"):
        Folder(FolderSettings(name="folder", root=root))
    (root / "images/image00.jpg").unlink()
    for content, message in (
        ("image00\nimage00\n", "names 'image00' twice"),
        ("image9\n", "names images that are not"),
    ):
        (root / "train.txt").write_text(content)
        with pytest.raises(InputError, match=message):
            Folder(FolderSettings(name="folder", root=root))
    with pytest.raises(InputError, match=r"put the images there or set dataset\.images"):
        Folder(FolderSettings(name="folder", root=tmp_path / "nowhere"))


def test_ground_truth_of_another_class_list(tmp_path: Path, classes: ClassSet) -> None:
    root = make_folder(tmp_path, classes, images=2)
    write_label_map(root / "ground_truth/image00.png", np.full((48, 56), 7, dtype=np.uint8), classes.palette())
    dataset = Folder(FolderSettings(name="folder", root=root))
    assert dataset.ground_truth is not None
    with pytest.raises(InputError, match=r"image00\.png has class index 7, outside the 3 classes"):
        dataset.ground_truth.labels("image00")


def test_exif_orientation_is_applied_once(tmp_path: Path) -> None:
    image = Image.fromarray(np.arange(24, dtype=np.uint8).reshape(4, 6).repeat(3).reshape(4, 6, 3))
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(tmp_path / "turned.jpg", exif=exif)
    assert read_image(tmp_path / "turned.jpg").shape == (6, 4, 3)
    assert image_size(tmp_path / "turned.jpg") == (6, 4)


@pytest.mark.parametrize("mode", ["L", "P", "CMYK", "I;16", "RGBA", "1"])
def test_every_kind_of_photo_becomes_rgb(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "photo.tif"
    Image.new(mode, (5, 3)).save(path)
    assert read_image(path).shape == (3, 5, 3)


def test_class_lists(tmp_path: Path) -> None:
    full = load_classes("pascal")
    full.write(tmp_path / "classes.yaml")
    assert load_classes(tmp_path / "classes.yaml") == full
    bare = parse_classes({"classes": ["a", {"name": "b", "prompts": ["bee", "wasp"]}]}, "x")
    assert bare.classes[1].prompts == ("bee", "wasp")
    assert bare.classes[0].prompts == ("a",)
    assert (bare.unmasked_label, full.unmasked_label) == (255, 0)
    assert full.name_of(255) == "void"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "needs a list 'classes'"),
        ({"classes": ["a", "a"]}, "the name 'a' stands twice"),
        ({"classes": ["yes"]}, "'yes' is a reserved word"),
        ({"classes": [True]}, "class 0 has no name"),
        ({"classes": ["a"], "viod": 255}, "unknown key 'viod'"),
        ({"classes": ["a"], "unmasked": "sky"}, "unmasked is 'sky'"),
        ({"classes": ["a"], "void": 0}, "void is 0: expected an index from 1 to 255"),
        ({"classes": [{"name": "a", "color": [1, 2, 300]}]}, "color must be"),
        ({"classes": [str(i) for i in range(256)]}, "at most 255 fit"),
    ],
)
def test_wrong_class_lists(content: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_classes(content, "classes.yaml")


def test_unknown_class_list() -> None:
    with pytest.raises(InputError, match=r"no class list pascl.*pascal"):
        load_classes("pascl")
