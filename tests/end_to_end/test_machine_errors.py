"""A full disk, too little memory, a lost process: one sentence and exit code 2; the same command continues."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sql
import torch

from a2lc.classes import ClassSet
from a2lc.cli import main
from a2lc.commands import run as run_verb
from a2lc.foundation.errors import InputError
from a2lc.foundation.files import atomic_path, write_text
from a2lc.foundation.machine_errors import explain
from tests.support.tiny import seed_table, tiny_arguments, tiny_data

# runs a command whose files may not grow beyond a number of bytes: what writes more is told that the disk takes no more
LIMITED = """
import resource, sys
from a2lc.cli import main
import torch
torch.set_num_threads(1)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
sys.exit(main(sys.argv[2:]))
"""


def limited(bytes_per_file: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", LIMITED, str(bytes_per_file), *arguments]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def raised_by(action):
    with pytest.raises(Exception) as caught:  # noqa: PT011  the type is what varies
        action()
    return caught.value


@pytest.mark.slow
@pytest.mark.parametrize(("save_every", "name"), [(2, "training.pt"), (100, "best.safetensors")])
def test_a_run_on_a_full_disk_stops_with_a_sentence_and_continues(
    tmp_path: Path, classes: ClassSet, save_every: int, name: str
) -> None:
    data, output = tiny_data(tmp_path / "data", classes), tmp_path / "outputs"
    settings = ("method=random", "rounds=1", f"training.save_every={save_every}")
    stopped = limited(30_000, "run", *tiny_arguments(data, output, *settings))
    last_line = stopped.stderr.strip().splitlines()[-1]
    assert stopped.returncode == 2, stopped.stderr
    assert "Traceback" not in stopped.stderr
    assert last_line.startswith(f"a2lc: the disk is full while writing {output}/runs/folder/seed1/round_0/{name} (")
    assert last_line.endswith("make room, and the same command continues")
    assert [*output.rglob(".part.*"), *output.rglob(name)] == []

    assert main(["run", *tiny_arguments(data, output, *settings)]) == 0
    assert main(["run", *tiny_arguments(data, tmp_path / "alone", *settings)]) == 0
    assert seed_table(output) == seed_table(tmp_path / "alone")


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    write_text(path, "old")
    code = (
        "import resource, sys\nfrom pathlib import Path\nfrom a2lc.foundation.files import write_text\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))\n"
        "try:\n    write_text(Path(sys.argv[1]), 'x' * 5000)\nexcept OSError as error:\n    sys.exit(error.errno)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    ended = subprocess.run([sys.executable, "-c", code, str(path)], env=environment, check=False)
    assert ended.returncode == errno.EFBIG
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("file.txt", "old")]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_the_file_that_found_no_room_is_named(tmp_path: Path, number: int) -> None:
    path = tmp_path / "table.parquet"

    def write() -> None:
        with atomic_path(path) as temporary:
            temporary.write_text("half")
            raise OSError(number, os.strerror(number))

    sentence = explain(raised_by(write))
    assert sentence == (
        f"the disk is full while writing {path} ({os.strerror(number)}): make room, and the same command continues"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_takes_no_file_is_told_by_the_final_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_only(path: Path, *_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    monkeypatch.setattr(Path, "write_text", read_only)
    monkeypatch.setattr(Path, "unlink", read_only)
    sentence = explain(raised_by(lambda: write_text(tmp_path / "a.json", "{}")))
    assert sentence is not None
    assert sentence.startswith(f"access was refused while writing {tmp_path / 'a.json'} (Read-only file system): ")


def test_sqlite_on_a_full_disk() -> None:
    engine = sql.create_engine("sqlite://")

    def fill() -> None:
        with engine.begin() as connection:
            connection.execute(sql.text("create table if not exists numbers (text)"))
            connection.execute(sql.text("pragma max_page_count = 3"))
            connection.execute(sql.text("insert into numbers values (:text)"), {"text": "x" * 50_000})

    def fill_as_ledger() -> None:
        try:
            fill()
        except sql.exc.DatabaseError as error:
            raise InputError(f"ledger.sqlite cannot be used as a ledger ({error.orig})") from None

    full = "database or disk is full"
    sentence = explain(raised_by(fill))
    assert sentence is not None
    assert sentence.startswith("the disk is full (")
    assert full in sentence
    assert "\n" not in sentence
    assert explain(raised_by(fill_as_ledger)) == (
        f"ledger.sqlite cannot be used as a ledger ({full}); make room, and the same command continues"
    )


KILLED = "DataLoader worker (pid 71) is killed by signal: Killed. "
BUS = (
    "DataLoader worker (pid 71) is killed by signal: Bus error. It is possible that dataloader's workers are out of "
    "shared memory."
)
SHARED = "unable to write to file </torch_71_0_0>: No space left on device (28)"


@pytest.mark.parametrize(
    ("error", "begin", "parts"),
    [
        (
            torch.OutOfMemoryError(
                "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 8 GiB"
            ),
            "memory ran out (CUDA out of memory. Tried to allocate 2.00 GiB.",
            ["training.batch_size", "training.crop_size", "network.output_stride=16", "training.mixed_precision=true"],
        ),
        (RuntimeError("CUDA error: out of memory\nCompile with ..."), "memory ran out (CUDA error: out of memory)", []),
        (MemoryError(), "memory ran out (MemoryError)", ["network.backbone", "the same command continues"]),
        (RuntimeError(KILLED), "a process that loads images was lost (", ["is killed by signal", "training.workers=0"]),
        (RuntimeError(BUS), "a process that loads images was lost (", ["training.workers=0"]),
        (RuntimeError(SHARED), "a process that loads images was lost (", ["training.workers=0"]),
        (RuntimeError("DataLoader worker (pid(s) 71, 72) exited unexpectedly"), "a process", ["training.workers=0"]),
        (
            RuntimeError("[enforce fail at inline_container.cc:671] . unexpected pos 704 vs 598"),
            "the disk is full (unexpected pos",
            [],
        ),
        (
            RuntimeError(
                "[enforce fail at inline_container.cc:746] . open file failed with strerror: Permission denied"
            ),
            "access was refused (open file",
            [],
        ),
        (RuntimeError("PytorchStreamWriter failed writing file data/3: file write failed"), "the disk is full", []),
        (
            PermissionError(errno.EACCES, "", "/data/x"),
            "access was refused at /data/x (Permission denied)",
            ["output="],
        ),
        (OSError(errno.EROFS, "", "/data/x"), "access was refused at /data/x (Read-only file system)", ["output="]),
        (InputError("x.png cannot be read: replace it"), "x.png cannot be read: replace it", []),
    ],
)
def test_the_sentence(error: Exception, begin: str, parts: list[str]) -> None:
    sentence = explain(error)
    assert sentence is not None
    assert sentence.startswith(begin)
    assert "\n" not in sentence
    assert [part for part in parts if part not in sentence] == []


@pytest.mark.parametrize("allocate", [lambda: torch.zeros(2**50), lambda: np.zeros(2**56)], ids=["torch", "numpy"])
def test_memory_that_is_really_not_there(allocate) -> None:
    sentence = explain(raised_by(allocate))
    assert sentence is not None
    assert sentence.startswith("memory ran out (")


def test_bugs_are_not_explained_away(monkeypatch: pytest.MonkeyPatch) -> None:
    for bug in (KeyError("a"), FileNotFoundError(errno.ENOENT, "", "x"), RuntimeError("shape mismatch"), IndexError()):
        assert explain(bug) is None

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(run_verb, "run", broken)
    with pytest.raises(ZeroDivisionError):
        main(["run", "demo"])


def test_the_command_line_prints_the_sentence_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", "/data/outputs")

    monkeypatch.setattr(run_verb, "run", refused)
    assert main(["run", "demo"]) == 2
    message = capsys.readouterr().err
    assert message.startswith("a2lc: access was refused at /data/outputs (Permission denied): ")
    assert message.count("\n") == 1
