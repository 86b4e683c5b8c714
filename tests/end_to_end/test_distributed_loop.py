"""The loop in two processes that torchrun starts: the same numbers as alone, killed and resumed, ended by one error."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from a2lc.cli import main
from a2lc.labels.ledger import Ledger

ROOT = Path(__file__).parents[2]
TORCHRUN = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m")
ENVIRONMENT = {
    **os.environ,
    "OMP_NUM_THREADS": "1",
    "PYTHONPATH": os.pathsep.join(
        str(ROOT / wing) for wing in ("", "DeepLabV3Plus_Pytorch", "Grounded-Segment-Anything")
    ),
}
SETTINGS = (
    "dataset.train_images=7",
    "dataset.val_images=3",
    "dataset.height=48",
    "dataset.width=64",
    "method=a2lc",
    "seeds=1",
    "rounds=1",
    "budget=6",
    "network.aspp_channels=16",
    "training.iterations=4",
    "training.batch_size=4",
    "training.crop_size=[48,64]",
    "training.validate_every=2",
    "training.save_every=1",
    "propagation.epochs=5",
    "device=cpu",
)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("distributed loop"),  # what they share takes long to make
    pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="finds the processes to kill in /proc"),
]


def settings(home: Path, output: str) -> list[str]:
    return ["demo", f"dataset.root={home / 'toys'}", f"output={home / output}", *SETTINGS]


def torchrun(module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*TORCHRUN, module, *arguments], env=ENVIRONMENT, capture_output=True, text=True, check=False)


def finish(verb: str, arguments: list[str]) -> tuple[int, str, str]:
    done = torchrun("a2lc.cli", verb, *arguments)
    return done.returncode, done.stdout, done.stderr


def kill_at(stage: str, calls: int, arguments: list[str]) -> None:
    """Start a run and kill it, launcher and both processes, at a call of its stage."""
    killed = torchrun("tests.support.killing", stage, str(calls), "run", *arguments)
    assert killed.returncode == -signal.SIGKILL, killed.stderr


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which a run of two processes was killed twice and finished."""
    home = tmp_path_factory.mktemp("distributed")
    arguments = settings(home, "together")
    kill_at("train", 2, arguments)
    kill_at("score", 1, arguments)
    code, out, err = finish("run", arguments)
    assert code == 0, err
    assert out.count("tables and figure") == 1
    return home


def alone_from_its_checkpoint(home: Path, output: str, *more: str) -> list[str]:
    """Settings of another run that begins with the network that the run of two processes trained first."""
    target = home / output / "runs/demo/seed1/round_0"
    shutil.copytree(
        home / "together/runs/demo/seed1/round_0", target, ignore=shutil.ignore_patterns("DONE", "metrics*")
    )
    return [*settings(home, output), *more]


def test_a_killed_run_of_two_processes_ends_with_its_tables(home: Path) -> None:
    seed = home / "together/runs/demo/seed1"
    with (home / "together/results/demo/seed1.csv").open(newline="") as file:
        assert [(row["round"], row["clicks"]) for row in csv.DictReader(file)] == [("0", "0"), ("1", "6")]
    assert len(Ledger(seed / "a2lc/ledger.sqlite").queried()) == 6
    assert not [*seed.rglob("training.pt"), *seed.rglob(".part.*")]
    log = (seed / "a2lc/log.txt").read_text()
    assert log.count("scoring the masks of round 1") == 2, "once before the kill, once after; by one process"


def test_two_processes_write_the_table_and_the_metrics_of_one(home: Path) -> None:
    arguments = alone_from_its_checkpoint(home, "alone")
    assert main(["score", *arguments]) == 0
    tables = [
        pq.read_table(home / name / "runs/demo/seed1/a2lc/round_1/mask_table.parquet") for name in ("together", "alone")
    ]
    assert len(tables[0]) > 20
    assert tables[0].equals(tables[1], check_metadata=True), "value for value, in the same order"

    assert main(["evaluate", *arguments]) == 0
    metrics = [
        json.loads((home / name / "runs/demo/seed1/round_0/metrics.json").read_text()) for name in ("together", "alone")
    ]
    for numbers in metrics:
        for name in [name for name in numbers if name.startswith("seconds")]:
            del numbers[name]
    assert metrics[0] == metrics[1]


def test_bad_input_of_the_second_process_ends_both_with_one_sentence(home: Path) -> None:
    arguments = alone_from_its_checkpoint(home, "broken")
    (home / "broken/runs/demo/seed1/round_0/inputs.json").unlink()  # else the main process tells of another image
    image = home / "toys/images/train_0001.png"  # images of one size are shared by turns
    whole = image.read_bytes()
    image.write_bytes(whole[:200])
    code, out, err = finish("score", arguments)
    image.write_bytes(whole)
    assert code != 0
    assert err.count("train_0001.png cannot be read") == 1
    assert "a2lc/cli.py" not in err, "no traceback of this program"
    assert not out
    assert not (home / "broken/runs/demo/seed1/a2lc/round_1/mask_table.parquet").exists()


def test_bad_input_of_all_processes_is_told_once(home: Path) -> None:
    code, _, err = finish("run", [*settings(home, "together"), "budgt=7"])
    assert code != 0
    assert err.count("did you mean budget") == 1


def test_questions_to_people_are_announced_once_and_end_both(home: Path) -> None:
    arguments = alone_from_its_checkpoint(home, "people", "annotator=answers")
    code, _, err = finish("run", arguments)
    assert code != 0
    assert err.count("6 questions wait in") == 1
    assert re.findall(r"exitcode\s*: (\d)", err)[0] == "3"
    assert (home / "people/runs/demo/seed1/a2lc/round_1/queue.csv").exists()


def test_a_verb_for_one_process_is_done_by_one(home: Path) -> None:
    code, out, err = finish("report", settings(home, "together"))
    assert code == 0, err
    assert out.count("results/demo") == 1
