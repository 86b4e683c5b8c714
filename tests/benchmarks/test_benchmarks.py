"""The command that makes the performance table."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

FAKE = """
import os
from table import Row

def rows():
    return [Row(f"work of process {os.getpid()}", 0.5, "slower", 2.0, "at least 3x", 12.0)]

def scaling():
    return [Row("twice the work", 1.5)]
"""
BROKEN = "def rows():\n    raise RuntimeError('no such device')\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2]))  # where `python -m benchmarks` is called
    folder = tmp_path / "measurements"
    folder.mkdir()
    (folder / "fake.py").write_text(FAKE)
    (folder / "broken.py").write_text(BROKEN)
    (folder / "silent.py").write_text("")
    (folder / "table.py").write_text("from benchmarks.table import Row\n")
    return folder


def test_one_table_of_rows_and_one_of_scaling(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runner = importlib.import_module("benchmarks.__main__")
    target = folder.parent / "table.md"
    assert runner.main(["--to", str(target)], folder, ["fake", "silent", "absent"]) == 0
    printed = capsys.readouterr().out
    assert printed == target.read_text()
    rows, scaling = printed.split("## How it scales")
    assert "| 500 ms | slower | 2 s | 4 | at least 3x | 12 MiB |" in rows
    assert "| twice the work | 1.5 s |" in scaling
    assert f"python -m benchmarks --to {target}" in rows
    assert f"PyTorch {sys.modules['torch'].__version__}" in rows.splitlines()[0]


def test_a_failure_is_told_and_stops_no_other(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runner = importlib.import_module("benchmarks.__main__")
    assert runner.main(["--only", "broken,fake"], folder) == 1
    printed = capsys.readouterr()
    assert "broken.rows failed: RuntimeError: no such device" in printed.err
    assert "work of process" in printed.out
    with pytest.raises(SystemExit):
        runner.main(["--only", "typo"], folder)
    assert "no module typo: expected some of broken, fake" in capsys.readouterr().err


@pytest.mark.slow
def test_the_command_works_from_the_root_of_the_repository() -> None:
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root / "DeepLabV3Plus_Pytorch")}
    command = [sys.executable, "-m", "benchmarks", "--only", "table"]  # a module without rows
    done = subprocess.run(command, cwd=root, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    assert "python -m benchmarks --only table" in done.stdout
