"""Images that are decoded once and kept."""

from __future__ import annotations

import numpy as np
import pytest

from a2lc.foundation.errors import InputError
from a2lc.foundation.images import write_image
from a2lc.segmentation import decode_once
from tests.support.training_case import IDS, Files, Pictures


def test_images_are_decoded_once_wherever_they_lie(tmp_path):
    pictures, files = Pictures(), Files(tmp_path / "here")
    for image_id in IDS:
        write_image(files.image_path(image_id), pictures.image(image_id))
    images = decode_once(files, tmp_path / "cache")
    for _ in range(2):
        assert all(np.array_equal(images(image_id), pictures.image(image_id)) for image_id in IDS)
    images(IDS[0])[:] = 0  # memory of one's own: not the file
    assert np.array_equal(images(IDS[0]), pictures.image(IDS[0]))
    assert files.decoded == list(IDS)
    files.folder = (tmp_path / "here").rename(tmp_path / "there")
    images(IDS[0])
    assert files.decoded == list(IDS)
    write_image(files.image_path(IDS[0]), pictures.image(IDS[1]))  # another picture of that name
    assert np.array_equal(images(IDS[0]), pictures.image(IDS[1]))
    for kept in (tmp_path / "cache").rglob("*.npy"):
        kept.write_bytes(kept.read_bytes()[:200])
    assert np.array_equal(images(IDS[2]), pictures.image(IDS[2]))
    assert decode_once(files, None) == files.image


def test_a_full_disk_is_told_with_what_to_do(tmp_path):
    (tmp_path / "cache").write_text("a file where a folder should be")
    files = Files(tmp_path)
    write_image(files.image_path("a"), Pictures().image(IDS[0]))
    with pytest.raises(InputError, match=r"cannot be written to .*make room, or set training\.cache"):
        decode_once(files, tmp_path / "cache")("a")
    with pytest.raises(InputError, match=r"b\.png cannot be read"):
        decode_once(files, tmp_path / "cache")("b")
