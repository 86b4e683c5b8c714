"""Reading photos: every mode that cameras and tools write, and what cannot be read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from a2lc.foundation.errors import InputError
from a2lc.foundation.images import read_image, write_image


def test_photos_of_every_kind(tmp_path: Path) -> None:
    grey = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64) * 16
    Image.fromarray(grey).save(tmp_path / "deep.png")
    assert (read_image(tmp_path / "deep.png") == (grey >> 8)[..., None]).all()
    for mode, name in (("L", "l.jpg"), ("CMYK", "c.jpg"), ("1", "1.png"), ("P", "p.png"), ("RGBA", "a.png")):
        Image.new(mode, (5, 4)).save(tmp_path / name)
        assert read_image(tmp_path / name).shape == (4, 5, 3)
    frames = [Image.new("RGB", (5, 4), color) for color in ("red", "blue")]
    frames[0].save(tmp_path / "moving.webp", save_all=True, append_images=frames[1:], lossless=True)
    assert (read_image(tmp_path / "moving.webp") == (255, 0, 0)).all()
    Image.fromarray(grey.astype(np.float32)).save(tmp_path / "float.tif")
    with pytest.raises(InputError, match=r"float\.tif has 32 bits"):
        read_image(tmp_path / "float.tif")


def test_a_huge_image_is_told_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    write_image(tmp_path / "huge.png", np.zeros((20, 20, 3), dtype=np.uint8))
    with pytest.raises(InputError, match=r"huge\.png is too large, more than 200 pixels: make it smaller"):
        read_image(tmp_path / "huge.png")
