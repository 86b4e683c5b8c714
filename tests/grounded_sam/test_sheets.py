"""A sheet is written over a sheet of ours, and over nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from a2lc.classes import load_classes
from a2lc.foundation.errors import InputError
from a2lc.foundation.images import write_image
from a2lc.labels.store import PseudoLabelWriter
from grounded_sam.inspection import inspect_set


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_a_photo_is_not_overwritten(tmp_path: Path, suffix: str) -> None:
    classes = load_classes("toyscapes")
    labels = np.zeros((16, 16), dtype=np.uint8)
    writer = PseudoLabelWriter(tmp_path / "set", classes, {})
    writer.write("a", labels, np.ones((16, 16), dtype=np.int32))
    writer.finish()
    photo, sheet = tmp_path / f"photo{suffix}", tmp_path / f"sheet{suffix}"
    write_image(photo, np.zeros((4, 4, 3), dtype=np.uint8))
    before = photo.read_bytes()
    with pytest.raises(InputError, match="nothing is overwritten"):
        inspect_set(tmp_path / "set", "toyscapes", None, photo)
    assert photo.read_bytes() == before
    for _ in range(2):
        assert str(sheet) in inspect_set(tmp_path / "set", "toyscapes", None, sheet)
    with pytest.raises(InputError, match="suffix"):
        inspect_set(tmp_path / "set", "toyscapes", None, tmp_path / "sheet.txt")
