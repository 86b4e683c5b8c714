"""Commands beside each other on one folder, and commands that are asked to end: a result or a sentence, no leftover."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from a2lc.classes import ClassSet
from a2lc.cli import main
from tests.support.folders import make_folder
from tests.support.tiny import seed_table, tiny_arguments, tiny_data

pytestmark = pytest.mark.slow
PATIENCE = 120  # seconds


def start(module: str, arguments: Sequence[str], limits: str = "") -> subprocess.Popen[str]:
    command = [sys.executable, "-m", module, *arguments]
    shell = ["bash", "-c", f'{limits}; exec "$@"', "bash", *command] if limits else command
    one_thread = {**os.environ, "OMP_NUM_THREADS": "1"}  # as in this process: results are compared
    return subprocess.Popen(
        shell, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=one_thread, preexec_fn=_listen
    )


def _listen() -> None:
    """Whoever started the tests may ignore SIGHUP, as nohup does, and a process inherits that."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Exit code and what was said; never a traceback."""
    told = process.communicate(timeout=PATIENCE)[1]
    assert "Traceback" not in told
    return process.returncode, told


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    """Wait until a file is there or the process has ended, whichever comes first."""
    while not path.exists() and process.poll() is None:
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0.05)


@pytest.fixture
def data(tmp_path: Path, classes: ClassSet) -> Path:
    return tiny_data(tmp_path / "data", classes)


def test_beside_a_training(tmp_path: Path, data: Path) -> None:
    settings = tiny_arguments(data, tmp_path / "out", "training.iterations=100000")
    training = start("a2lc.cli", ["run", *settings])
    wait_for(tmp_path / "out/runs/folder/seed1/round_0/training.pt", training)
    code, told = ended(start("a2lc.cli", ["run", *settings]))
    assert (code, "is in use by another process" in told) == (2, True)
    code, told = ended(start("a2lc.cli", ["report", *settings]))
    assert (code, "no round of folder is finished" in told) == (2, True)
    code, told = ended(start("a2lc.cli", ["export", *settings, "--to", str(tmp_path / "exported")]))
    assert code == 0
    assert (tmp_path / "exported/manifest.json").is_file()
    training.send_signal(signal.SIGTERM)
    code, told = ended(training)
    assert (code, "stopped by SIGTERM" in told) == (143, True)
    assert {path.name for path in (tmp_path / "out").rglob(".*")} <= {".lock", ".inputs_seen.json"}


def test_a_training_that_hung_up_continues(tmp_path: Path, data: Path) -> None:
    settings = tiny_arguments(data, tmp_path / "out", "training.iterations=60", "training.workers=0", "rounds=1")
    assert main(["run", *tiny_arguments(data, tmp_path / "whole", *settings[-3:])]) == 0
    training = start("a2lc.cli", ["run", *settings])
    wait_for(tmp_path / "out/runs/folder/seed1/round_0/training.pt", training)
    training.send_signal(signal.SIGHUP)
    assert ended(training)[0] in (0, 129)
    assert main(["run", *settings]) == 0
    assert seed_table(tmp_path / "out") == seed_table(tmp_path / "whole")


@pytest.mark.parametrize("limits", ["ulimit -n 32", "ulimit -n 12", "ulimit -v 3000000"])
def test_limits_of_the_system_end_in_a_result_or_a_sentence(tmp_path: Path, data: Path, limits: str) -> None:
    code, told = ended(start("a2lc.cli", ["run", *tiny_arguments(data, tmp_path / "out")], limits))
    assert code == 0 or (code == 2 and told.startswith("a2lc: ")) or (code == 2 and "\na2lc: " in told)


def test_two_generations_into_one_folder(tmp_path: Path, classes: ClassSet) -> None:
    data = make_folder(tmp_path / "data", classes, images=8)
    arguments = ["generate", "folder", f"dataset.root={data}", f"output={tmp_path / 'set'}", "device=cpu"]
    both = [start("tests.support.gsam_fake", arguments) for _ in range(2)]
    results = [ended(process) for process in both]
    assert {code for code, _ in results} <= {0, 2}
    assert 0 in [code for code, _ in results]
    assert all("is in use by another process" in told for code, told in results if code)
    assert (tmp_path / "set/manifest.json").is_file()
    assert {path.name for path in (tmp_path / "set").rglob(".*")} <= {".lock"}
