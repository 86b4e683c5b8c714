"""Requests that are valid and cannot be meant, and commands that are given twice or beside each other."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from a2lc.classes import ClassSet
from a2lc.cli import main
from tests.support.tiny import tiny_arguments, tiny_data

NO_NETWORK = ("method=area", "training.iterations=0")


@pytest.fixture
def data(tmp_path: Path, classes: ClassSet) -> Path:
    return tiny_data(tmp_path / "data", classes)


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("training.workers=500", "training.workers is 500"),
        ("training.batch_size=100000", "training.batch_size is 100000 but there are 6 training images"),
        ("rounds=100000000", "rounds is 100000000"),
        ("method=area,area", "method names area twice"),
        ("seeds=-1", "seeds.0 is -1"),
        ("experiment=../elsewhere", "experiment"),
    ],
)
@pytest.mark.parametrize("verb", ["run", "train"])
def test_refused_before_work_starts(
    tmp_path: Path, data: Path, verb: str, setting: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([verb, *tiny_arguments(data, tmp_path / "out", setting)]) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_an_image_in_both_lists_is_refused(tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (data / "train.txt").write_text("image00\nimage06\n")
    assert main(["run", *tiny_arguments(data, tmp_path / "out")]) == 2
    assert "'image06' is a training image and a validation image (1 are both)" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_round_that_is_not_there_is_not_exported(
    tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = tiny_arguments(data, tmp_path / "out", *NO_NETWORK)
    assert main(["run", *arguments]) == 0
    for given in ("99", "-1", "3"):
        assert main(["export", *arguments, "--to", str(tmp_path / "exported"), "--round", given]) == 2
        assert f"--round is {given} but" in capsys.readouterr().err
        assert not (tmp_path / "exported").exists()
    for given in ("0", "2"):
        assert main(["export", *arguments, "--to", str(tmp_path / f"exported{given}"), "--round", given]) == 0


def test_correct_after_its_last_write_continues(tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = tiny_arguments(data, tmp_path / "out", *NO_NETWORK, "annotator=answers", "budget=2")
    for verb in ("train", "score", "select"):
        assert main([verb, *arguments]) == 0
    queue = Path(capsys.readouterr().out.splitlines()[-1])
    filled, other = (_filled(queue, tmp_path / f"{word}.csv", word) for word in ("yes", "void"))
    assert main(["correct", *arguments, "--answers", str(filled)]) == 0
    first = capsys.readouterr().out
    assert main(["correct", *arguments, "--answers", str(filled)]) == 0
    assert capsys.readouterr().out == first
    assert main(["correct", *arguments, "--answers", str(other)]) == 0
    assert "2 earlier answers replaced" in capsys.readouterr().out


def _filled(queue: Path, target: Path, word: str) -> Path:
    with queue.open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    with target.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows({**row, "answer": word} for row in rows)
    return target
