"""GTA5 and SYNTHIA: their layouts, their label ids as trainIds, and what is said when something is missing."""

from __future__ import annotations

import pickle
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from pydantic import TypeAdapter

from a2lc.classes import load_classes
from a2lc.datasets import Dataset, DatasetSettings, open_dataset
from a2lc.foundation.errors import InputError
from a2lc.foundation.images import write_image, write_label_map

# written by hand from the README of SYNTHIA-RAND-CITYSCAPES
SYNTHIA = {
    1: "sky", 2: "building", 3: "road", 4: "sidewalk", 5: "fence", 6: "vegetation", 7: "pole", 8: "car",
    9: "traffic sign", 10: "person", 11: "bicycle", 12: "motorcycle", 15: "traffic light", 16: "terrain", 17: "rider",
    18: "truck", 19: "bus", 20: "train", 21: "wall",
}  # fmt: skip


def opened(name: str, root: Path, **settings: object) -> Dataset:
    return open_dataset(TypeAdapter(DatasetSettings).validate_python({"name": name, "root": str(root), **settings}))


def deep_png(path: Path, first: np.ndarray) -> None:
    """A PNG of three channels of 16 bits: the class, an instance, nothing."""
    colours = np.stack([first, first + 300, 0 * first], axis=2).astype(">u2")
    rows = b"".join(b"\0" + row.tobytes() for row in colours)
    header = struct.pack(">IIBBBBB", first.shape[1], first.shape[0], 16, 2, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    chunks = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))


def write_gta(root: Path) -> Path:
    ids = np.arange(35, dtype=np.uint8)[None]
    for name in ("00001", "00002"):
        write_image(root / "images" / f"{name}.png", np.full((1, 35, 3), 9, dtype=np.uint8))
        write_label_map(root / "labels" / f"{name}.png", ids, bytes(range(256)) * 3)
    return root


def write_synthia(root: Path) -> Path:
    write_image(root / "RGB" / "0000000.png", np.full((1, 23, 3), 9, dtype=np.uint8))
    deep_png(root / "GT" / "LABELS" / "0000000.png", np.arange(23, dtype=np.uint16)[None])
    return root


def test_gta_has_the_label_ids_of_cityscapes(tmp_path: Path) -> None:
    dataset = pickle.loads(pickle.dumps(opened("gta", write_gta(tmp_path))))
    assert dataset.ids("train") == ("00001", "00002")
    assert dataset.ids("val") == ()
    assert dataset.validation_truth is None
    assert dataset.size("00001") == dataset.image("00001").shape[:2] == (1, 35)
    classes = load_classes("cityscapes")
    names = [classes.name_of(int(label)) for label in dataset.ground_truth.labels("00001")[0]]
    assert {7: "road", 8: "sidewalk", 11: "building", 26: "car", 33: "bicycle"}.items() <= dict(
        enumerate(names)
    ).items()
    assert sum(name != "void" for name in names) == 19
    assert names[34] == "void", "licence plates"


def test_synthia_has_its_class_in_the_first_channel_of_sixteen_bits(tmp_path: Path) -> None:
    dataset = pickle.loads(pickle.dumps(opened("synthia", write_synthia(tmp_path))))
    assert dataset.ids("train") == ("0000000",)
    labels = dataset.ground_truth.labels("0000000")
    assert labels.dtype == np.uint8
    classes = load_classes("cityscapes")
    assert [classes.name_of(int(label)) for label in labels[0]] == [SYNTHIA.get(index, "void") for index in range(23)]


def test_a_list_chooses_images(tmp_path: Path) -> None:
    write_gta(tmp_path)
    (tmp_path / "some.txt").write_text("00002\n")
    assert opened("gta", tmp_path, train=str(tmp_path / "some.txt")).ids("train") == ("00002",)
    (tmp_path / "some.txt").write_text("00003\n")
    with pytest.raises(InputError, match=r"some\.txt names images that are not in"):
        opened("gta", tmp_path, train=str(tmp_path / "some.txt"))


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"images does not exist.*from_games"):
        opened("gta", tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"synthia-dataset\.net"):
        opened("synthia", tmp_path / "nowhere")
    dataset = opened("gta", write_gta(tmp_path / "gta"))
    (tmp_path / "gta/labels/00001.png").unlink()
    assert dataset.ground_truth is not None
    with pytest.raises(InputError, match=r"labels/00001\.png does not exist"):
        dataset.ground_truth.labels("00001")


@pytest.mark.parametrize("damage", [b"", b"no PNG"])
def test_damaged_labels_of_synthia_are_named(tmp_path: Path, damage: bytes) -> None:
    dataset = opened("synthia", write_synthia(tmp_path))
    path = tmp_path / "GT/LABELS/0000000.png"
    path.write_bytes(damage)
    assert dataset.ground_truth is not None
    with pytest.raises(InputError, match=r"LABELS/0000000\.png cannot be read"):
        dataset.ground_truth.labels("0000000")
    deep_png(path, np.full((1, 23), 700, dtype=np.uint16))
    with pytest.raises(InputError, match="700 in its first channel"):
        dataset.ground_truth.labels("0000000")
