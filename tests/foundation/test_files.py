"""Atomic writes where something stands in the way."""

from __future__ import annotations

from pathlib import Path

import pytest

from a2lc.foundation.errors import InputError
from a2lc.foundation.files import is_there, write_text


def test_a_planted_link_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("the user's")
    target = tmp_path / "folder" / "table.csv"
    target.parent.mkdir()
    (target.parent / ".part.table.csv").symlink_to(victim)
    write_text(target, "ours")
    assert victim.read_text() == "the user's"
    assert [path.name for path in target.parent.iterdir()] == ["table.csv"]
    assert target.read_text() == "ours"
    assert not target.is_symlink()


def test_a_folder_in_the_way_is_told(tmp_path: Path) -> None:
    (tmp_path / ".part.table.csv").mkdir()
    with pytest.raises(InputError, match=r"\.part\.table\.csv is a folder"):
        write_text(tmp_path / "table.csv", "ours")


def test_what_is_no_file_is_told_instead_of_taken_for_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "to_file").symlink_to("file")
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "folder").mkdir()
    assert is_there(tmp_path / "file")
    assert is_there(tmp_path / "to_file")
    assert not is_there(tmp_path / "nothing")
    assert not is_there(tmp_path / ("x" * 300))
    for name in ("dangling", "loop", "folder"):
        with pytest.raises(InputError, match=f"{name} is a .*: "):
            is_there(tmp_path / name)
