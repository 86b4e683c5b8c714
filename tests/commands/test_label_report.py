"""`a2lc evaluate --labels`: labels and ground truth may lie in any format."""

from __future__ import annotations

from pathlib import Path

import pytest

from a2lc.classes import ClassSet
from a2lc.cli import main
from a2lc.foundation.images import write_label_map
from a2lc.labels.store import PseudoLabelSet


@pytest.mark.parametrize("swapped", [False, True])
def test_a_set_and_a_folder_of_pngs(
    tmp_path: Path, tiny_set: PseudoLabelSet, classes: ClassSet, capsys: pytest.CaptureFixture[str], swapped: bool
) -> None:
    for image_id in tiny_set.image_ids():
        labels = tiny_set.labels(image_id).copy()
        if image_id == "a":
            labels[0, 0] = 2  # the set says 1: the one pixel on which they disagree
        write_label_map(tmp_path / "pngs" / f"{image_id}.png", labels, classes.palette())
    classes.write(tmp_path / "classes.yaml")
    labels, truth = (tmp_path / "pngs", tiny_set.root) if swapped else (tiny_set.root, tmp_path / "pngs")
    arguments = ["evaluate", "--labels", str(labels), "--ground-truth", str(truth)]
    assert main([*arguments, "--classes", str(tmp_path / "classes.yaml")]) == 0
    figures = dict(line.rsplit(maxsplit=1) for line in capsys.readouterr().out.splitlines() if line)
    assert figures["images"] == "2"
    assert figures["masks"] == ("0" if swapped else "2")
    assert figures["accuracy"] == "95.65%"  # 22 of 23: one pixel of 'a' and all of 'b/c' are void


def test_a_folder_that_is_not_there(
    tmp_path: Path, tiny_set: PseudoLabelSet, classes: ClassSet, capsys: pytest.CaptureFixture[str]
) -> None:
    classes.write(tmp_path / "classes.yaml")
    arguments = ["evaluate", "--labels", str(tiny_set.root), "--ground-truth", str(tmp_path / "nowhere")]
    assert main([*arguments, "--classes", str(tmp_path / "classes.yaml")]) == 2
    assert "nowhere does not exist: expected a folder with labels/" in capsys.readouterr().err
