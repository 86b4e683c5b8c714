"""Names from outside never lead out of their folder."""

from __future__ import annotations

import os
import tempfile
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from a2lc.foundation.errors import InputError
from a2lc.foundation.ids import inside, valid_id

PARTS = st.sampled_from(["..", ".", "", "a", "é", "e\u0301", "C:", "\\", "\0", "\n", "~", "con", "x" * 250, "..."])


@pytest.mark.parametrize(
    "name",
    [
        *("", " ", "/etc/passwd", "../x", "a/../../x", "a/..", ".", "a//b", "a/", "C:/x", "C:x", "a\\b", "//host/x/y"),
        "a\0b",
        "a\nb",
        "a\u2028b",
        "a\x1b[31mb",
        "a\ud800",
        "x" * 241,
        None,
        7,
        ["a"],
    ],
)
def test_what_is_no_name_is_refused_with_its_source(name: object) -> None:
    with pytest.raises(InputError, match=r"^lists/train\.txt: "):
        valid_id(name, Path("lists/train.txt"))


def test_names_as_people_have_them() -> None:
    for name in ("photo", "street/0001", "Straße 7", "007", "a..b", ".hidden", "=1+1", "漢字/写真", "a "):
        assert valid_id(name, "list") == name
    assert valid_id("cafe\u0301", "list") == "caf\u00e9"


@settings(deadline=None)
@given(st.one_of(st.text(max_size=20), st.lists(PARTS, max_size=4).map("/".join)))
def test_a_name_stays_inside_or_is_refused(name: str) -> None:
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root) / "folder"
        folder.mkdir()
        try:
            path = inside(folder, name, ".png")
        except InputError:
            return
        assert os.path.normpath(path) == str(path)
        assert path.is_relative_to(folder)
        assert path != folder
        assert unicodedata.is_normalized("NFC", valid_id(name, "list"))


def test_links_do_not_lead_out(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "out").symlink_to(tmp_path)
    (folder / "file.png").symlink_to(tmp_path / "elsewhere.png")
    (folder / "loop").symlink_to(folder / "loop")
    (tmp_path / "door").symlink_to(folder)
    for name in ("out/x", "file", "loop/x"):
        with pytest.raises(InputError, match="link"):
            inside(folder, name, ".png")
    assert inside(tmp_path / "door", "a/b", ".png") == tmp_path / "door" / "a" / "b.png"
