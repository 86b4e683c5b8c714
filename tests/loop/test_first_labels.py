"""The labels of a start from clicks are opened once, however many images there are."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from a2lc.classes import ClassSet
from a2lc.cli import main
from a2lc.labels.store import PseudoLabelWriter, open_pseudo_labels
from tests.support.tiny import tiny_arguments, tiny_data


def test_the_manifest_is_read_once(tmp_path: Path, classes: ClassSet, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tiny_data(tmp_path / "data", classes)
    given = open_pseudo_labels(data / "pseudo_labels")
    writer = PseudoLabelWriter(data / "masks_only", classes, {"backend": "test"})
    for image_id in given.image_ids():
        writer.write(image_id, np.full_like(given.labels(image_id), 255), given.masks(image_id))
    masks = writer.finish().root
    reads: Counter[Path] = Counter()
    read_text = Path.read_text

    def counted(path: Path, *arguments: Any, **settings: Any) -> str:
        reads[path] += 1
        return read_text(path, *arguments, **settings)

    monkeypatch.setattr(Path, "read_text", counted)
    settings = ["method=posterior", f"pseudo_labels={masks}", "start=clicks", "start.clicks=9", "rounds=2"]
    assert main(["run", *tiny_arguments(data, tmp_path / "out", *settings)]) == 0
    assert reads[masks / "manifest.json"] == 1
    assert reads[tmp_path / "out/runs/folder/seed1/start/pseudo_labels/manifest.json"] == 1
