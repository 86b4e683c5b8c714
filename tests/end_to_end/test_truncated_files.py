"""Files cut short: the message names the file, nothing half-read is used, and a mended run ends as if undisturbed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from a2lc.classes import ClassSet
from a2lc.cli import main
from a2lc.formats.png import LabelFolder
from a2lc.foundation.errors import InputError
from a2lc.foundation.images import read_image, read_index_map, write_label_map, write_mask_map
from a2lc.labels.store import PseudoLabelSet
from tests.support.tiny import seed_table, tiny_arguments, tiny_data

RNG = np.random.default_rng(0)
PHOTO = RNG.integers(0, 256, (40, 50, 3), dtype=np.uint8)
INDICES = RNG.integers(0, 3, (40, 50), dtype=np.uint8)


def cut(path: Path, share: float = 0.6) -> bytes:
    """Cut a file short; returns what it held."""
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    return whole


@pytest.mark.slow
@pytest.mark.parametrize(
    "victim", ["images/image00.png", "pseudo_labels/labels/image01.png", "ground_truth/image02.png"]
)
def test_a_file_cut_short_between_two_rounds(
    tmp_path: Path, classes: ClassSet, victim: str, capsys: pytest.CaptureFixture[str]
) -> None:
    data, common = tiny_data(tmp_path / "data", classes), ("method=random", "budget=24")  # all masks
    output = tmp_path / "outputs"
    assert main(["run", *tiny_arguments(data, output, *common, "rounds=0")]) == 0
    whole = cut(data / victim)
    capsys.readouterr()
    run = ["run", *tiny_arguments(data, output, *common, "rounds=1")]
    assert main(run) == 2
    message = capsys.readouterr().err
    assert Path(victim).stem in message
    assert "cannot be read" in message or "put back what was there" in message
    assert "Traceback" not in message

    (data / victim).write_bytes(whole)
    assert main(run) == 0
    assert main(["run", *tiny_arguments(data, tmp_path / "alone", *common, "rounds=1")]) == 0
    assert seed_table(output) == seed_table(tmp_path / "alone")


def written(folder: Path, kind: str, classes: ClassSet) -> Path:
    """A file of each kind that is read."""
    path = folder / f"{kind.replace(' ', '_')}.{'jpg' if 'jpeg' in kind else 'png'}"
    if kind == "label map":
        write_label_map(path, INDICES, classes.palette())
    elif kind == "mask map":
        write_mask_map(path, INDICES.astype(np.uint16) * 300)
    else:
        Image.fromarray(PHOTO).save(path, progressive="progressive" in kind)
    return path


def read_or_refuse(path: Path) -> NDArray[np.integer] | None:
    """The pixels, or None where a sentence with the file's name refuses them."""
    try:
        return read_index_map(path) if path.stem.endswith("map") else read_image(path)
    except InputError as error:
        if str(path) in str(error):
            return None
        raise


@pytest.mark.parametrize("kind", ["png", "jpeg", "progressive jpeg", "label map", "mask map"])
def test_a_file_cut_anywhere_is_named_or_read_whole(
    tmp_path_factory: pytest.TempPathFactory, classes: ClassSet, kind: str
) -> None:
    path = written(tmp_path_factory.mktemp("cut"), kind, classes)
    content, whole = path.read_bytes(), read_or_refuse(path)
    assert whole is not None

    @settings(max_examples=60, deadline=None)
    @given(st.integers(0, len(content) - 1))
    def check(length: int) -> None:
        path.write_bytes(content[:length])
        if (pixels := read_or_refuse(path)) is not None:  # only what comes behind the pixels is missing
            assert length > len(content) - 40
            assert np.array_equal(pixels, whole)

    check()


def test_label_sources_name_the_file(tmp_path: Path, classes: ClassSet, tiny_set: PseudoLabelSet) -> None:
    truth = tmp_path / "truth" / "a.png"
    write_label_map(truth, INDICES, classes.palette())
    for path in (truth, tiny_set.label_path("a"), tiny_set.mask_path("a")):
        cut(path, 0.5)
    with pytest.raises(InputError, match=rf"{truth} "):
        LabelFolder(truth.parent, 3).labels("a")
    with pytest.raises(InputError, match=rf"{tiny_set.label_path('a')} "):
        tiny_set.labels("a")
    with pytest.raises(InputError, match=rf"{tiny_set.mask_path('a')} "):
        tiny_set.masks("a")
