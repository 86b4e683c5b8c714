"""Label maps as tools write them: the stored indices, or a refusal."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from a2lc.foundation.errors import InputError
from a2lc.foundation.images import images_by_id, read_image, read_index_map
from tests.support.bad_files import grey_png, jpeg_named_png


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
@pytest.mark.parametrize("width", [1, 5, 16])
def test_greyscale_of_few_bits_keeps_its_indices(tmp_path: Path, bits: int, width: int) -> None:
    values = np.random.default_rng(bits).integers(0, 2**bits, (7, width)).astype(np.uint8)
    grey_png(tmp_path / "labels.png", values, bits)
    read = read_index_map(tmp_path / "labels.png")
    assert read.dtype == np.uint8
    np.testing.assert_array_equal(read, values)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_palettes_keep_their_indices(tmp_path: Path, bits: int) -> None:
    values = np.random.default_rng(0).integers(0, 2**bits, (6, 9)).astype(np.uint8)
    image = Image.fromarray(values)
    image.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0] * 85)
    image.save(tmp_path / "labels.png", bits=bits)
    np.testing.assert_array_equal(read_index_map(tmp_path / "labels.png"), values)


def test_pictures_compressed_with_loss_are_no_labels(tmp_path: Path) -> None:
    path = tmp_path / "labels.png"
    jpeg_named_png(path)
    assert read_image(path).shape == (8, 8, 3)
    with pytest.raises(InputError, match=r"labels\.png is a JPEG, whose compression changes indices: save the map as"):
        read_index_map(path)


def test_what_is_no_image_file_is_listed(tmp_path: Path) -> None:
    Image.new("L", (2, 2)).save(tmp_path / "good.png")
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "a\nb.png").touch()
    (tmp_path / "folder.jpg").mkdir()
    with pytest.raises(InputError, match=r"\(3 problems\)") as caught:
        images_by_id(tmp_path, tmp_path.iterdir())
    assert "a\n" not in str(caught.value)
    for words in ("pipe.png is no regular file", "line break", "folder.jpg is a folder"):
        assert words in str(caught.value)
    with pytest.raises(InputError, match="no regular file"):
        read_image(tmp_path / "pipe.png")


def test_names_come_in_one_unicode_form(tmp_path: Path) -> None:
    Image.new("L", (2, 2)).save(tmp_path / "cafe\u0301.png")
    found = images_by_id(tmp_path, tmp_path.iterdir())
    assert list(found) == ["caf\u00e9"]
    assert read_image(found["caf\u00e9"]).shape == (2, 2, 3)
    Image.new("L", (2, 2)).save(tmp_path / "caf\u00e9.png")
    with pytest.raises(InputError, match="differ only in the Unicode form of their names"):
        images_by_id(tmp_path, tmp_path.iterdir())
