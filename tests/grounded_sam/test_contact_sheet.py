"""The report on a pseudo-label set and the picture of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from a2lc.classes import ClassSet
from a2lc.foundation.errors import InputError
from a2lc.foundation.images import read_image
from a2lc.labels.store import PseudoLabelSet, PseudoLabelWriter, open_pseudo_labels
from grounded_sam.contact_sheet import ALARM, contact_sheet
from grounded_sam.summary import summarise_set
from tests.support.folders import make_folder

Images = Callable[[str], NDArray[np.uint8]]


@pytest.fixture
def folder(tmp_path: Path, classes: ClassSet) -> tuple[Images, PseudoLabelSet]:
    """Thirty small images with masks."""
    root = make_folder(tmp_path / "data", classes, images=30, truth=False, size=32)
    return lambda name: read_image(root / "images" / f"{name}.png"), open_pseudo_labels(root / "pseudo_labels")


def plain(root: Path, classes: ClassSet, masks: NDArray[np.integer], label: int = 1) -> PseudoLabelSet:
    """One image 'a', all its masks of one class."""
    writer = PseudoLabelWriter(root, classes, {})
    writer.write("a", np.where(masks > 0, label, classes.unmasked_label).astype(np.uint8), masks)
    return writer.finish()


def grey(height: int, width: int) -> Images:
    return lambda name: np.full((height, width, 3), 90, dtype=np.uint8)


def has_color(picture: NDArray[np.uint8], color: tuple[int, ...]) -> bool:
    return bool((picture == color).all(axis=-1).any())


def test_sheet_is_a_function_of_its_arguments(folder: tuple[Images, PseudoLabelSet], classes: ClassSet) -> None:
    image, pseudo_labels = folder
    ids = pseudo_labels.image_ids()
    sheet = contact_sheet(image, pseudo_labels, classes, ids, 3)
    height = 4 * (round(32 * 312 / 40) + 20 + 8)
    assert (sheet.shape, sheet.dtype) == ((height, 1920, 3), np.uint8)
    assert np.array_equal(sheet, contact_sheet(image, pseudo_labels, classes, ids, 3))
    assert not np.array_equal(sheet, contact_sheet(image, pseudo_labels, classes, ids, 4))


def test_choice_is_spread_over_the_list(tmp_path: Path, classes: ClassSet) -> None:
    writer, nothing = PseudoLabelWriter(tmp_path, classes, {}), np.zeros((2, 3), dtype=np.uint8)
    ids = [f"{index:03d}" for index in range(240)]
    for name in ids:
        writer.write(name, nothing, nothing.astype(np.uint16))
    pseudo_labels = writer.finish()

    def chosen(count: int, seed: int) -> list[str]:
        seen: list[str] = []
        contact_sheet(lambda name: seen.append(name) or grey(2, 3)(name), pseudo_labels, classes, ids[:count], seed)
        return seen

    assert [int(image_id) // 10 for image_id in chosen(240, 0)] == list(range(24))
    assert chosen(240, 0) != chosen(240, 1)
    assert chosen(24, 5) == ids[:24]
    assert chosen(7, 5) == ids[:7]


def test_few_images_make_few_rows(folder: tuple[Images, PseudoLabelSet], classes: ClassSet) -> None:
    image, pseudo_labels = folder
    row = round(32 * 312 / 40) + 20 + 8
    for count, rows in ((1, 1), (6, 1), (7, 2)):
        sheet = contact_sheet(image, pseudo_labels, classes, pseudo_labels.image_ids()[:count])
        assert sheet.shape == (rows * row, 1920, 3)


def test_mask_has_its_colour_outline_and_name(tmp_path: Path, classes: ClassSet) -> None:
    masks = np.zeros((60, 80), dtype=int)
    masks[10:50, 10:40], masks[10:50, 40:70] = 1, 2  # neighbours of one class
    sheet = contact_sheet(grey(60, 80), plain(tmp_path, classes, masks), classes, ["a"])
    color = classes.classes[1].color
    assert has_color(sheet, color)  # behind the name
    assert has_color(sheet, tuple(np.rint(90 + 0.4 * (np.array(color) - 90)).astype(int)))
    line = sheet[4 + 50, 4 + 312 // 2 - 3 : 4 + 312 // 2 + 3]
    assert has_color(line, (255, 255, 255))  # between the two


@pytest.mark.parametrize("unmasked", ["background", "void"])
def test_image_without_masks_is_shown_as_it_is(tmp_path: Path, classes: ClassSet, unmasked: str) -> None:
    classes = replace(classes, unmasked=unmasked)
    pseudo_labels = plain(tmp_path, classes, np.zeros((30, 40), dtype=int))
    sheet = contact_sheet(grey(30, 40), pseudo_labels, classes, ["a"])
    assert (sheet[4 : 4 + 234, 4 : 4 + 312] == 90).all()
    assert has_color(sheet[4 + 234 :], ALARM)  # the caption says so


def test_names_too_long_and_images_too_narrow_fit(tmp_path: Path, classes: ClassSet) -> None:
    name = "some_rather_long_city_name_which_nobody_has_heard_of/000000_000019"
    writer = PseudoLabelWriter(tmp_path, classes, {})
    writer.write(name, np.ones((400, 3), np.uint8), np.ones((400, 3), int))
    sheet = contact_sheet(grey(400, 3), writer.finish(), classes, [name])
    assert sheet.shape == (260 + 28, 1920, 3)
    assert (sheet[:, 320:] == sheet[0, -1]).all()  # nothing reaches into the next tile


def test_sheet_refuses_what_it_cannot_draw(tmp_path: Path, classes: ClassSet) -> None:
    pseudo_labels = plain(tmp_path, classes, np.ones((4, 4), dtype=int))
    with pytest.raises(InputError, match="nothing to draw"):
        contact_sheet(grey(4, 4), pseudo_labels, classes, [])
    with pytest.raises(InputError, match=r"'a' has an image of \(4, 5\), a label map of \(4, 4\)"):
        contact_sheet(grey(4, 5), pseudo_labels, classes, ["a"])


def test_report_counts(tiny_set: PseudoLabelSet, classes: ClassSet) -> None:
    report = summarise_set(tiny_set, classes)
    assert report.masks_per_class == {"ground": 0, "box": 1, "disc": 1, "void": 0}
    assert report.masks_per_image == {"a": 2, "b/c": 0}
    assert (report.images, report.masks, report.without_masks) == (2, 2, ("b/c",))
    assert report.void == pytest.approx(10 / 33)
    assert report.suspicious == {"b/c": "no mask"}
    text = report.to_text()
    assert "masks per image         median 1, mean 1.0, most 2\n" in text
    assert "  disc                          1\n" in text
    assert text.endswith("suspicious images               1\n  b/c  no mask\n")


@pytest.mark.parametrize(
    ("masks", "reason"),
    [
        (np.arange(1, 102).reshape(1, -1), "101 masks"),
        (np.arange(1, 101).reshape(1, -1), None),
        (np.where(np.arange(100) < 96, 7, 8), "mask 7 (disc) covers 96.0% of the image"),
        (np.where(np.arange(100) < 95, 7, 8), None),
        (np.where(np.arange(100) < 49, 7, 0), "51.0% of the image is void"),
        (np.where(np.arange(100) < 50, 7, 0), None),
    ],
)
def test_suspicions(tmp_path: Path, classes: ClassSet, masks: NDArray[np.integer], reason: str | None) -> None:
    report = summarise_set(plain(tmp_path, classes, masks.reshape(1, -1), label=2), classes)
    assert report.suspicious == ({"a": reason} if reason else {})
    assert report.to_text().endswith("none\n") == (reason is None)


def test_a_long_list_of_suspicions_is_cut(tmp_path: Path, classes: ClassSet) -> None:
    writer = PseudoLabelWriter(tmp_path, classes, {})
    for index in range(23):
        writer.write(f"{index}", np.full((1, 1), 255, np.uint8), np.zeros((1, 1), int))
    text = summarise_set(writer.finish(), classes).to_text()
    assert text.count("no mask\n") == 20
    assert text.endswith("  ... and 3 more\n")


def test_report_of_a_broken_set_lists_what_is_wrong(tmp_path: Path, classes: ClassSet) -> None:
    pseudo_labels = plain(tmp_path, classes, np.ones((2, 2), dtype=int), label=77)
    with pytest.raises(InputError, match="class index 77"):
        summarise_set(pseudo_labels, classes)
