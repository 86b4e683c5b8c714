"""How far runs have come: told by their files, beside a run, too, and without touching anything."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from a2lc.classes import ClassSet
from a2lc.cli import main
from a2lc.foundation.errors import InputError
from a2lc.foundation.files import read_json
from a2lc.foundation.locks import held, holder
from a2lc.loop.config import load_config
from a2lc.loop.status import expected_places, found_places, seconds_left, status_of
from tests.support.tiny import tiny_arguments, tiny_data

WITHOUT_NETWORK = ("method=random", "training.iterations=0")


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_run_that_waits_for_people(tmp_path: Path, classes: ClassSet, capsys: pytest.CaptureFixture[str]) -> None:
    data = tiny_data(tmp_path / "data", classes, truth=False)
    arguments = tiny_arguments(data, tmp_path / "out", *WITHOUT_NETWORK, "annotator=answers", "seeds=1,2")
    assert main(["run", *arguments]) == 3
    before = contents(tmp_path)
    capsys.readouterr()

    assert main(["status", *arguments]) == 0
    told = capsys.readouterr().out
    seed = tmp_path / "out/runs/folder/seed1"
    assert "folder, seed 1, random: waiting for answers" in told
    assert str(seed / "random/round_1/queue.csv") in told
    assert "folder, seed 2, random: not begun" in told
    for folder in (tmp_path / "out", tmp_path / "out/runs/folder", seed, seed / "random"):
        assert main(["status", str(folder)]) == 0
        assert "folder, seed 1, random: waiting for answers" in capsys.readouterr().out, folder
    assert contents(tmp_path) == before
    go_on = next(line for line in told.splitlines() if "go on" in line).split("a2lc ")[1]
    assert main(go_on.split()) == 3, "the command that is told continues the run"


def test_a_finished_run_and_one_that_is_asked_for_more(tmp_path: Path, classes: ClassSet) -> None:
    data = tiny_data(tmp_path / "data", classes)
    arguments = tiny_arguments(data, tmp_path / "out", *WITHOUT_NETWORK, "budget=2", "rounds=1")
    assert main(["run", *arguments]) == 0
    (place,) = found_places(tmp_path / "out")
    status = status_of(place, lines=1)
    assert (status.missing, status.finished, status.holder, status.queue) == ((), (0, 1), None, None)
    assert len(status.log) == 1
    assert seconds_left(status, []) == 0

    (more,) = expected_places(load_config(arguments[0], [*arguments[1:], "rounds=3"]))
    left = status_of(more)
    assert [str(stage) for stage in left.missing[:2]] == ["score, round 2", "annotate, round 2"]
    assert len(left.missing) == 2 * 5
    first, second = (read_json(place.round_folder(index) / "seconds.json") for index in (0, 1))
    a_round = second["score"] + second["annotate"] + second["propagate"] + (first["evaluate"] + second["evaluate"]) / 2
    assert seconds_left(left, []) == pytest.approx(2 * a_round)


def test_nothing_is_estimated_of_what_never_was_done(tmp_path: Path, classes: ClassSet) -> None:
    arguments = tiny_arguments(tiny_data(tmp_path / "data", classes), tmp_path / "out")
    (place,) = expected_places(load_config(arguments[0], arguments[1:]))
    assert seconds_left(status_of(place), []) is None
    with pytest.raises(InputError, match="holds no run"):
        found_places(tmp_path)


def test_who_holds_a_folder(tmp_path: Path) -> None:
    assert holder(tmp_path) is None
    with held(tmp_path, work="a2lc") as lock:
        noted = holder(tmp_path)
        assert noted is not None
        assert (noted.process, noted.work) == (os.getpid(), "a2lc")
        as_killed = lock.read_bytes()
    assert holder(tmp_path) is None
    lock.write_bytes(as_killed)
    assert holder(tmp_path) is None, "what a killed process noted does not count"
    with held(tmp_path):
        lock.write_bytes(b"")
        assert str(holder(tmp_path)) == "another process"
