"""Names as people and their spreadsheets write them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from a2lc.foundation.errors import InputError
from a2lc.foundation.ids import Names, below, inside, valid_ids

NAMES = ["Car", "007", "a b", "a ", "Stra\u00dfe", "caf\u00e9", "x1", "X2"]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        *((name, name) for name in NAMES),
        ("car", "Car"),
        (" CAR ", "Car"),
        ("7", "007"),
        ("strasse", "Stra\u00dfe"),
        ("cafe\u0301", "caf\u00e9"),
        ("a  B", "a b"),
        ("a", "a "),
        ("cars", None),
        ("", None),
    ],
)
def test_how_a_name_may_be_written(written: str, meant: str | None) -> None:
    assert Names(NAMES).find(written) == meant


def test_what_fits_two_names_fits_none() -> None:
    names = Names(["A", "a", "07", "007"])
    assert [names.find(text) for text in ("A", "a", " a", "07", "7")] == ["A", "a", "a", "07", None]


@given(st.lists(st.text(max_size=5), max_size=6), st.text(max_size=5))
def test_a_name_is_found_and_nothing_else(names: list[str], text: str) -> None:
    found = Names(names)
    assert all(found.find(name) == name for name in names)
    assert found.find(text) in {*names, None}


def test_all_names_that_cannot_be_one_are_listed() -> None:
    with pytest.raises(InputError, match=r"list\.txt .*\(4 problems\)") as caught:
        valid_ids(["good", "../x", "/etc/passwd", "a\nb", "caf\u00e9", "cafe\u0301"], "list.txt")
    for words in ("'../x'", "'/etc/passwd'", r"'a\nb'", "'caf\u00e9' stands twice"):
        assert words in str(caught.value)


def test_a_file_is_found_in_the_form_it_has(tmp_path: Path) -> None:
    decomposed = tmp_path / "cafe\u0301.png"
    assert below(tmp_path, "caf\u00e9", ".png") == tmp_path / "caf\u00e9.png"
    decomposed.touch()
    assert below(tmp_path, "caf\u00e9", ".png") == inside(tmp_path, "caf\u00e9", ".png") == decomposed
    (tmp_path / "caf\u00e9.png").touch()
    assert inside(tmp_path, "caf\u00e9", ".png") == tmp_path / "caf\u00e9.png"
