"""Every label format: what is written is detected and read back; what cannot be held is refused beforehand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from a2lc.classes import ClassSet, parse_classes
from a2lc.formats import FORMATS, Conversion, LabelFormat, Reading, detect_format, open_labels
from a2lc.foundation.errors import InputError
from tests.support import toy_format

EVERY = FORMATS.names()
WITH_MASKS = tuple(name for name in EVERY if FORMATS[name].limits.masks)
WITHOUT_MASKS = tuple(name for name in EVERY if not FORMATS[name].limits.masks)
IDS = ("plain", "b/c", "sub/folder/deep", "town_000000_000019")


@dataclass(frozen=True)
class Arrays:
    """Maps in memory: label maps by image id, and mask maps where there are some."""

    label_maps: Mapping[str, NDArray[np.uint8]]
    mask_maps: Mapping[str, NDArray[np.int32]] | None

    def labels(self, image_id: str) -> NDArray[np.uint8]:
        return self.label_maps[image_id]

    def masks(self, image_id: str) -> NDArray[np.int32] | None:
        return None if self.mask_maps is None else self.mask_maps[image_id]

    def maps(self, image_id: str) -> tuple[NDArray[np.uint8], NDArray[np.int32] | None]:
        return self.labels(image_id), self.masks(image_id)


def drawn(masks: bool, largest: int = 255, image_ids: tuple[str, ...] = IDS) -> Arrays:
    """Images of different sizes with classes 0 to 2, void, and mask ids up to the largest; the last has no mask."""
    rng = np.random.default_rng(0)
    sizes = {image_id: (5 + index, 7) for index, image_id in enumerate(image_ids)}
    labels = {image_id: rng.choice([0, 1, 2, 255], size).astype(np.uint8) for image_id, size in sizes.items()}
    ids = {image_id: rng.choice([0, 1, 2, largest], size).astype(np.int32) for image_id, size in sizes.items()}
    ids[image_ids[-1]][:] = 0
    return Arrays(labels, ids if masks else None)


def classes_for(form: LabelFormat, number: int = 3) -> ClassSet:
    """Classes that the format can hold."""
    return form.limits.fixed or parse_classes({"classes": [f"thing {k}" for k in range(number)]}, "test classes")


def conversion(form: LabelFormat, source: Arrays, classes: ClassSet | None = None) -> Conversion:
    """All images whose ids the format can hold."""
    ids = [image_id for image_id in source.label_maps if not list(form.misfits(image_id, source))]
    assert ids
    return Conversion(source, ids, classes or classes_for(form), form)


def refused(attempt: Conversion) -> str:
    """The sentence that refuses a conversion."""
    with pytest.raises(InputError) as caught:
        attempt.refuse_misfits("the set")
    assert str(caught.value).startswith("the set cannot be exported (")
    return str(caught.value)


@pytest.mark.parametrize("name", EVERY)
def test_what_is_written_is_detected_and_read_back(name: str, tmp_path: Path) -> None:
    form = FORMATS[name]
    attempt = conversion(form, source := drawn(form.limits.masks))
    attempt.refuse_misfits("the set")
    written = attempt.write(tmp_path / "out", {"backend": "test"})
    assert detect_format(tmp_path / "out") == name
    read = open_labels(tmp_path / "out", Reading(attempt.classes), masks=form.limits.masks)
    assert read.root == tmp_path / "out"
    for labels in (written, read):
        assert labels.image_ids() == sorted(attempt.image_ids)
        for image_id in attempt.image_ids:
            assert labels.label_path(image_id).is_file()
            assert_equal_maps(labels.maps(image_id), source.maps(image_id))
            assert_equal_maps((labels.labels(image_id), labels.masks(image_id)), source.maps(image_id))
    if form.limits.names:
        assert read.classes is not None
        assert (read.classes.names, read.classes.void) == (attempt.classes.names, attempt.classes.void)
    else:
        assert read.classes is None


def assert_equal_maps(
    found: tuple[NDArray[np.uint8], NDArray[np.int32] | None],
    expected: tuple[NDArray[np.uint8], NDArray[np.int32] | None],
) -> None:
    assert found[0].dtype == np.uint8
    assert np.array_equal(found[0], expected[0])
    assert (found[1] is None) == (expected[1] is None)
    if found[1] is not None and expected[1] is not None:
        assert found[1].dtype == np.int32
        assert np.array_equal(found[1], expected[1])


@pytest.mark.parametrize("name", WITH_MASKS)
def test_mask_ids_of_16_bits_are_held_or_refused(name: str, tmp_path: Path) -> None:
    form, source = FORMATS[name], drawn(masks=True, largest=60_000)
    if form.limits.mask_id < 60_000:
        attempt = Conversion(source, IDS, classes_for(form), form)
        assert "60000" in refused(attempt)
        assert any(str(form.limits.mask_id) in sentence for sentence in form.limits.sentences())
        return
    attempt = conversion(form, source)
    attempt.refuse_misfits("the set")
    written = attempt.write(tmp_path / "out", {})
    assert max(int(written.masks(image_id).max()) for image_id in attempt.image_ids) == 60_000


@pytest.mark.parametrize("name", WITHOUT_MASKS)
def test_masks_are_not_dropped_unasked(name: str, tmp_path: Path) -> None:
    form = FORMATS[name]
    attempt = conversion(form, source := drawn(masks=True))
    assert "no masks" in refused(attempt)
    assert "no masks" in form.limits.sentences()
    alone = Conversion(source, attempt.image_ids, attempt.classes, form, labels_only=True)
    alone.refuse_misfits("the set")
    written = alone.write(tmp_path / "out", {})
    assert all(np.array_equal(written.labels(i), source.labels(i)) for i in alone.image_ids)


@pytest.mark.parametrize("name", WITH_MASKS)
def test_labels_alone_are_refused_where_masks_are_needed(name: str) -> None:
    assert "there are no masks" in refused(conversion(FORMATS[name], drawn(masks=False)))


@pytest.mark.parametrize("name", EVERY)
def test_classes_and_image_ids_that_do_not_fit_are_refused(name: str) -> None:
    form = FORMATS[name]
    source = drawn(form.limits.masks)
    if form.limits.fixed:
        other = parse_classes({"classes": ["ground", "box"]}, "other classes")
        assert "no classes but" in refused(conversion(form, source, other))
    elif form.limits.classes < 255:
        many = classes_for(form, form.limits.classes + 1)
        assert f"at most {form.limits.classes} classes" in refused(conversion(form, source, many))
    misfits = [image_id for image_id in IDS if list(form.misfits(image_id, source))]
    if misfits:
        said = refused(Conversion(source, IDS, classes_for(form), form))
        assert all(f"'{image_id}'" in said for image_id in misfits)


@pytest.mark.parametrize("name", EVERY)
def test_other_paths_are_refused_in_a_sentence(name: str, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("Dear reviewer")
    for path in (tmp_path / "absent", tmp_path / "letter.txt"):
        assert detect_format(path) is None
        with pytest.raises(InputError, match=path.name):
            FORMATS[name].open(path)
        with pytest.raises(InputError, match=r"expected .*, or "):
            open_labels(path)


@pytest.mark.parametrize("name", EVERY)
def test_an_image_that_is_not_there_is_named(name: str, tmp_path: Path) -> None:
    form = FORMATS[name]
    attempt = conversion(form, drawn(form.limits.masks))
    written = attempt.write(tmp_path / "out", {})
    with pytest.raises(InputError, match="absent_000000_000000"):
        written.labels("absent_000000_000000")


def test_a_format_of_another_package_is_one_module() -> None:
    assert isinstance(FORMATS["toy"], toy_format.ToyFormat)
    assert "at most 4 classes" in FORMATS["toy"].limits.sentences()


def test_a_folder_of_both_layouts_is_ours_once_it_is_finished(tmp_path: Path) -> None:
    for name in ("labels", "masks", "mask_jpg", "obj_jpg"):
        (tmp_path / name).mkdir()
    assert detect_format(tmp_path) == "research"
    (tmp_path / "manifest.json").touch()
    assert detect_format(tmp_path) == "a2lc"
