"""Digests of files: of content, remembered while size and times stand."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest

from a2lc.foundation.digests import FileDigests
from a2lc.foundation.errors import InputError
from a2lc.foundation.files import read_json, write_json


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """A minute after everything was written."""
    now = time.time_ns()
    monkeypatch.setattr(time, "time_ns", lambda: now + 60_000_000_000)


def test_digests_are_of_content_in_the_order_asked_for(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in "cab"]
    for path in paths:
        path.write_text(path.name * 3)
    expected = [sha256(path.read_bytes()) for path in paths]
    assert FileDigests().of_all([*paths, paths[0]]) == [*expected, expected[0]]


def test_a_changed_file_has_another_digest_whatever_its_time_says(tmp_path: Path) -> None:
    path, digests = tmp_path / "file", FileDigests()
    for content in (b"one", b"two"):
        path.write_bytes(content)
        os.utime(path, (1_000_000_000, 1_000_000_000))
        assert digests.of(path) == sha256(content)


@pytest.mark.usefixtures("later")
def test_what_is_kept_saves_reading_until_it_is_wanted(tmp_path: Path) -> None:
    path, memory = tmp_path / "file", tmp_path / "memory.json"
    path.write_bytes(b"one")
    digests = FileDigests()
    digests.of(path)
    digests.keep(memory)
    ((name, (*stamp, digest)),) = read_json(memory).items()
    assert digest == sha256(b"one")

    write_json(memory, {name: [*stamp, "as remembered"]})
    digests = FileDigests()
    digests.recall(memory)
    assert digests.of_all([path]) == [digests.of(path)] == ["as remembered"]
    assert digests.of_all([path], read=True) == [sha256(b"one")] == [digests.of(path)]


@pytest.mark.parametrize("damaged", ["", "[]", "{", '{"a": 1}', '{"a": []}'])
def test_a_damaged_memory_costs_only_time(tmp_path: Path, damaged: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"one")
    (tmp_path / "memory.json").write_text(damaged)
    digests = FileDigests()
    digests.recall(tmp_path / "memory.json")
    assert digests.of(path) == sha256(b"one")


def test_what_was_just_written_is_not_kept(tmp_path: Path) -> None:
    path, memory = tmp_path / "file", tmp_path / "memory.json"
    path.write_bytes(b"one")
    digests = FileDigests()
    digests.of(path)
    digests.keep(memory)
    assert read_json(memory) == {}


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing_here does not exist"):
        FileDigests().of_all([tmp_path / "nothing_here"])
