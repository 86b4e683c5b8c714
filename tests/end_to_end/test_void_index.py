"""A class list whose void is not 255: the same run, another number in the label maps."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from a2lc.classes import ClassSet
from a2lc.cli import main
from a2lc.foundation.images import read_index_map, write_label_map
from a2lc.labels.ledger import Decision, Ledger
from a2lc.labels.store import PseudoLabelWriter, open_pseudo_labels
from tests.support.tiny import seed_table, tiny_arguments, tiny_data

VOID = 200


def with_void(root: Path, classes: ClassSet) -> Path:
    """The tiny data with void where it can matter: in ground truth, under masks and around them."""
    tiny_data(root, dataclasses.replace(classes, void=255))
    for path in sorted((root / "ground_truth").glob("*.png")):
        truth = read_index_map(path).copy()
        truth[:6], truth[20:26] = 255, 255
        write_label_map(path, mapped(truth, classes.void), classes.palette())
    given = open_pseudo_labels(root / "pseudo_labels")
    writer = PseudoLabelWriter(root / "pseudo_labels", classes, {"backend": "test"})
    for index, image_id in enumerate(given.image_ids()):
        labels, masks = given.labels(image_id), given.masks(image_id)
        labels = np.where(masks == 2 + index % 3, np.uint8(255), labels)
        writer.write(image_id, mapped(labels, classes.void), masks)
    writer.finish()
    classes.write(root / "classes.yaml")
    return root


def mapped(labels: NDArray[np.integer], void: int) -> NDArray[np.uint8]:
    return np.where(labels == 255, void, labels).astype(np.uint8)


def decided(ledger: Path, void: int) -> list[Decision]:
    """All decisions, times aside, with -1 for void."""
    rows = [decision for index in range(2) for decision in Ledger(ledger).decisions_of(index)]

    def known(label: int | None) -> int | None:
        return -1 if label == void else label

    return [
        dataclasses.replace(row, label_before=known(row.label_before), label_after=known(row.label_after), seconds=None)
        for row in rows
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [
        ("method=a2lc", "annotator.void=answer"),
        ("method=alc", "start.name=clicks", "start.clicks=6"),
        ("method=posterior",),
    ],
)
def test_void_may_have_another_index(tmp_path: Path, classes: ClassSet, settings: tuple[str, ...]) -> None:
    outputs: dict[int, Path] = {}
    for void in (255, VOID):
        own = dataclasses.replace(classes, void=void)
        data = with_void(tmp_path / f"data{void}", own)
        outputs[void] = tmp_path / f"out{void}"
        # crops larger than the images, so that void is padded
        arguments = tiny_arguments(data, outputs[void], *settings, "rounds=1", "training.crop_size=64")
        assert main(["run", *arguments]) == 0
        assert main(["export", *arguments, "--to", str(outputs[void] / "labels")]) == 0
        assert main(["evaluate", *arguments]) == 0
    assert seed_table(outputs[VOID]) == seed_table(outputs[255])

    usual, other = (open_pseudo_labels(outputs[void] / "labels") for void in (255, VOID))
    assert other.manifest["void"] == VOID
    for image_id in usual.image_ids():
        np.testing.assert_array_equal(other.labels(image_id), mapped(usual.labels(image_id), VOID))

    method = settings[0].removeprefix("method=")
    ledgers = {void: outputs[void] / f"runs/folder/seed1/{method}/ledger.sqlite" for void in outputs}
    rows = decided(ledgers[255], 255)
    assert decided(ledgers[VOID], VOID) == rows
    assert rows
    for name in ("best", "last"):
        weights = [(ledgers[void].parent / f"round_1/{name}.safetensors").read_bytes() for void in outputs]
        assert weights[0] == weights[1]
