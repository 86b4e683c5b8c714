"""Claiming an output folder: what is not ours is refused, and a refusal leaves nothing behind."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from a2lc.foundation.claims import ClaimKind, new_folder
from a2lc.foundation.errors import InputError
from a2lc.foundation.files import read_json, write_json
from a2lc.foundation.locks import held


def difference(earlier: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    return [key for key in now if earlier.get(key) != now[key]]


KIND: ClaimKind[dict[str, Any]] = ClaimKind(
    name="record.json",
    read=lambda path: dict(read_json(path)),
    write=write_json,
    difference=difference,
    foreign="{folder} is not empty",
    damaged="{path} is damaged ({error})",
    other="{folder} was made with other {keys}:\n{lines}",
)


def contents(folder: Path) -> dict[str, bytes | None]:
    paths = sorted(folder.rglob("*"))
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in paths}


def claim_it(folder: Path) -> None:
    with held(folder):
        KIND.claim(folder, {"size": 1})


def write_it(folder: Path) -> None:
    with new_folder(folder):
        (folder / "result").write_text("new")


WAYS = (claim_it, write_it)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("file", "is a file"),
        ("file/below", "is a file"),
        ("dangling", "leads nowhere"),
        ("dangling/below", "leads nowhere"),
        ("x" * 300, "too long"),
        ("deep/" + "x" * 300, "too long"),
        ("a\0b", "no name of a folder"),
        ("loop/below", "link"),
    ],
)
def test_what_cannot_be_a_folder_is_refused(tmp_path: Path, way: Any, name: str, told: str) -> None:
    (tmp_path / "file").write_text("the user's")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    before = contents(tmp_path)
    with pytest.raises(InputError, match=told):
        way(tmp_path / name)
    assert contents(tmp_path) == before


def test_foreign_folders_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "photo.png").write_bytes(b"the user's")
    before = contents(tmp_path)
    for way in WAYS:
        with pytest.raises(InputError, match="is not empty"):
            way(tmp_path / "full")
    assert contents(tmp_path) == before


def test_the_same_record_continues_and_another_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    KIND.refuse_foreign(folder)
    assert not (tmp_path / "new").exists()
    assert KIND.claim(folder, {"size": 1, "shape": "round"}) == {"size": 1, "shape": "round"}
    assert KIND.claim(folder, {"size": 1, "shape": "round"}) == {"size": 1, "shape": "round"}
    assert KIND.compare(folder, {"size": 1}) is not None
    before = contents(tmp_path)
    with pytest.raises(InputError, match="with other size and shape:\n  - size\n  - shape"):
        KIND.claim(folder, {"size": 2, "shape": "square"})
    (folder / "record.json").write_text("[1, 2]")
    with pytest.raises(InputError, match=r"record\.json is damaged"):
        KIND.claim(folder, {"size": 1, "shape": "round"})
    (folder / "record.json").write_bytes(before["new/folder/record.json"] or b"")
    assert contents(tmp_path) == before


def test_a_new_folder_may_be_written_again_after_a_kill_but_not_after_its_end(tmp_path: Path) -> None:
    folder = tmp_path / "exported"
    folder.mkdir()
    for name in (".unfinished", "half"):  # as a kill leaves them
        (folder / name).touch()
    with new_folder(folder), pytest.raises(InputError, match="in use by another process"):
        write_it(folder)
    assert list(contents(folder)) == ["half"]
    with pytest.raises(InputError, match="is not empty"):
        write_it(folder)


def test_a_lock_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / ".lock").mkdir()
    with pytest.raises(InputError, match=r"\.lock is no lock file"), held(tmp_path):
        pass


def test_a_refusal_within_a_lock_leaves_neither_lock_nor_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no"), held(tmp_path / "a" / "b"):
        raise InputError("no")
    assert contents(tmp_path) == {}
    with held(tmp_path / "ours"):
        pass
    before = contents(tmp_path)
    with pytest.raises(InputError, match="no"), held(tmp_path / "ours"):
        raise InputError("no")
    assert contents(tmp_path) == before
