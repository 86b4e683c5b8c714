"""The catalogue of bad inputs: each is refused in a sentence with a remedy, and nothing is written or changed."""

from __future__ import annotations

import itertools
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from tests.catalogue import rows_data, rows_requests, rows_work
from tests.catalogue.damages import unreadable
from tests.catalogue.row import Row
from tests.catalogue.verdict import problems, snapshot
from tests.catalogue.worlds import build, copy_world
from tests.support import forked
from tests.support.forked import Ended, Limits

ROWS = list(itertools.chain(rows_data.rows(), rows_work.rows(), rows_requests.rows()))
_DATA = 4_000_000_000  # bytes; importing PyTorch takes a good part of them
_MODULES = {"a2lc": "a2lc.cli", "grounded-sam": "tests.support.gsam_fake"}


def _some_are_slow(rows: list[Row]) -> list[ParameterSet]:
    """A third of the rows, from all kinds, are for every day."""
    marks = ((), (pytest.mark.slow,), (pytest.mark.slow,))
    return [pytest.param(row, marks=mark, id=row.name) for row, mark in zip(rows, itertools.cycle(marks), strict=False)]


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with all worlds."""
    return build(tmp_path_factory.mktemp("worlds"))


def prepare(row: Row, base: Path, folder: Path) -> Path:
    """Copy the world of a row, damage it, and put something of somebody else's beside it."""
    if row.damage.change is unreadable and os.geteuid() == 0:
        pytest.skip("everything is readable for root")
    (folder / "neighbour").mkdir(parents=True)
    (folder / "neighbour/secret.png").write_bytes((base / "data/images/image00.png").read_bytes())
    work = folder / "work"
    copy_world(base, row.command.world, work)
    row.damage.change(work / row.path)
    return work


def test_there_are_many_rows_and_each_has_its_name() -> None:
    names = [row.name for row in ROWS]
    assert len(names) >= 300
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("row", _some_are_slow(ROWS))
def test_bad_input_is_told(row: Row, base: Path, tmp_path: Path) -> None:
    folder, notes = tmp_path / "around", tmp_path / "notes"
    notes.mkdir()
    work = prepare(row, base, folder)
    before = snapshot(folder)
    ended = forked.run(row.command.line.split(" "), work, notes)
    found = problems(row, ended, before, snapshot(folder))
    assert not found, "\n".join(found)


def as_a_command(line: list[str], folder: Path, limits: Limits) -> Ended:
    """Run a command line as its user does, in a fresh interpreter."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_DATA, (limits.data, limits.data))

    started = time.perf_counter()
    command = [sys.executable, "-m", _MODULES[line[0]], *line[1:]]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=limits.patience,
            check=False,
            preexec_fn=limit,
        )
    except subprocess.TimeoutExpired as expired:
        errors = (expired.stderr or b"").decode(errors="replace")
        return Ended(None, errors, time.perf_counter() - started)
    return Ended(done.returncode, done.stderr, time.perf_counter() - started)


@pytest.mark.slow
@pytest.mark.parametrize("row", ROWS[:: len(ROWS) // 30], ids=lambda row: row.name)
def test_bad_input_is_told_by_a_command_of_its_own(row: Row, base: Path, tmp_path: Path) -> None:
    folder = tmp_path / "around"
    work = prepare(row, base, folder)
    before = snapshot(folder)
    ended = as_a_command(row.command.line.split(" "), work, Limits(patience=60, data=_DATA))
    found = problems(row, ended, before, snapshot(folder))
    assert not found, "\n".join(found)
