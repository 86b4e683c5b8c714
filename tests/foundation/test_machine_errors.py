"""What the machine does, told with what, where and advice."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from a2lc.classes import ClassSet
from a2lc.cli import main
from a2lc.foundation.machine_errors import explain
from tests.support.tiny import tiny_arguments, tiny_data


@pytest.mark.parametrize(
    "number", [errno.EMFILE, errno.ENFILE, errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ELOOP]
)
def test_what_where_and_advice(number: int) -> None:
    told = explain(OSError(number, os.strerror(number), "/data/photo.png"))
    assert told is not None
    assert "/data/photo.png" in told
    assert os.strerror(number) in told
    assert "command" in told.rpartition(": ")[2]


def test_the_cause_of_what_a_library_says_counts() -> None:
    try:
        raise RuntimeError("something failed") from OSError(errno.EMFILE, "Too many open files", "/data/a")
    except RuntimeError as error:
        told = explain(error)
    assert told is not None
    assert "ulimit -n" in told


def test_a_bug_is_not_explained() -> None:
    assert explain(KeyError("x")) is None


def test_a_name_too_long_is_told(tmp_path: Path) -> None:
    try:
        (tmp_path / ("x" * 300)).touch()
    except OSError as error:
        told = explain(error)
    assert told is not None
    assert "too long" in told


@pytest.mark.parametrize("name", [".lock", "round_0/.part.config.yaml"])
def test_a_folder_where_a_file_is_needed_is_told(
    tmp_path: Path, classes: ClassSet, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "out/runs/folder/seed1" / name
    folder.mkdir(parents=True)
    arguments = tiny_arguments(tiny_data(tmp_path / "data", classes), tmp_path / "out", "method=area")
    assert main(["run", *arguments, "training.iterations=0"]) == 2
    told = capsys.readouterr().err
    assert str(folder) in told
    assert "remove" in told
