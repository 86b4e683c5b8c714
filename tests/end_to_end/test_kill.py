"""A run that is killed again and again, at any stage, ends like one left alone."""

from __future__ import annotations

import csv
import logging
import multiprocessing
import random
import re
import threading
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from a2lc.acquisition.table import read_mask_table
from a2lc.classes import ClassSet
from a2lc.cli import main
from a2lc.labels.ledger import Ledger
from a2lc.labels.state import LabelState
from a2lc.labels.store import open_pseudo_labels
from tests.support.tiny import tiny_arguments, tiny_data

METHODS = ("a2lc", "random")
ROUNDS = 3
STAGES = {
    "train": re.compile(r"iteration \d+/\d+"),
    "evaluate": re.compile(r"evaluating round"),
    "score": re.compile(r"^scoring image"),
    "annotate": re.compile(r"asking about"),
    "propagate": re.compile(r"propagating the answers"),
}
# every stage twice, in an order that two methods of three rounds hold in any case
PLAN = ("train", "evaluate", "score", "annotate", "propagate") * 2


class Reporter(logging.Handler):
    """Tells the parent every log line and waits for its nod, so that the parent sees where the child is."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(logging.DEBUG)
        self._connection = connection

    def emit(self, record: logging.LogRecord) -> None:
        self._connection.send(record.getMessage())
        self._connection.recv()


def work(arguments: list[str], connection: Connection) -> None:
    import torch

    torch.set_num_threads(1)
    logging.getLogger("a2lc").addHandler(Reporter(connection))
    connection.send(main(arguments))


def start(arguments: list[str]) -> tuple[Any, Connection]:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["a2lc.loop.rounds"])
    here, there = context.Pipe()
    process = context.Process(target=work, args=(arguments, there), daemon=True)
    process.start()
    there.close()
    return process, here


def run_until_killed(arguments: list[str], stage: re.Pattern[str], skip: int, delay: float) -> bool:
    """Start the run and kill it `delay` seconds after the `skip`-th line of a stage; False when it ended before."""
    process, connection = start(arguments)
    timer = threading.Timer(delay, process.kill)
    left = skip
    try:
        while True:
            message = connection.recv()
            if isinstance(message, int):
                assert message == 0
                process.join()
                return False
            if stage.search(message) and not timer.is_alive():
                left -= 1
                if left < 0:
                    timer.start()
            connection.send(None)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        process.join()
        return True
    finally:
        timer.cancel()


def run_to_the_end(arguments: list[str]) -> None:
    process, connection = start(arguments)
    while not isinstance(message := connection.recv(), int):
        connection.send(None)
    process.join()
    assert message == 0


def results(output: Path, data: Path) -> dict[str, Any]:
    """Everything that must be the same: table, ledgers, label maps, mask tables, weights; times aside."""
    with (output / "results/folder/seed1.csv").open(newline="") as file:
        rows = [{k: v for k, v in row.items() if not k.startswith("seconds")} for row in csv.DictReader(file)]
    found: dict[str, Any] = {"table": rows}
    initial = open_pseudo_labels(data / "pseudo_labels")
    for method in METHODS:
        folder = output / "runs/folder/seed1" / method
        ledger = Ledger(folder / "ledger.sqlite")
        found[f"{method} ledger"] = [{**vars(d), "seconds": None} for d in ledger.decisions()]
        for index in range(1, ROUNDS + 1):
            state = LabelState(initial, ledger.corrections(up_to_round=index))
            found[f"{method} labels {index}"] = [state.labels(i).tobytes() for i in initial.image_ids()]
            table = read_mask_table(folder / f"round_{index}/mask_table.parquet")
            found[f"{method} scores {index}"] = table.scores.score.tobytes()
            for weights in ("best", "last"):
                path = folder / f"round_{index}/{weights}.safetensors"
                found[f"{method} {weights} {index}"] = hash(path.read_bytes())
        leftovers = [*folder.rglob("training.pt"), *folder.rglob(".part.*")]
        found[f"{method} leftovers"] = leftovers
    return found


@pytest.mark.parametrize("seed", [0])
def test_ten_kills_change_nothing(tmp_path: Path, classes: ClassSet, seed: int) -> None:
    data = tiny_data(tmp_path / "data", classes)
    common = [f"method={','.join(METHODS)}", f"rounds={ROUNDS}", "training.save_every=2"]
    run_to_the_end(["run", *tiny_arguments(data, tmp_path / "alone", *common)])

    killed = ["run", *tiny_arguments(data, tmp_path / "killed", *common), "--verbose"]
    rng = random.Random(seed)
    for stage in PLAN:
        skip = rng.randrange(4) if stage in ("train", "score") else 0
        assert run_until_killed(killed, STAGES[stage], skip, rng.uniform(0, 0.02)), f"{stage} was never reached"
    run_to_the_end(killed)

    alone, after = results(tmp_path / "alone", data), results(tmp_path / "killed", data)
    assert alone["a2lc ledger"], "the run decided nothing"
    assert any(decision["source"] == "lcm" for decision in alone["a2lc ledger"]), "nothing was propagated"
    for key, value in alone.items():
        assert after[key] == value, key
    assert np.all([not alone[f"{method} leftovers"] for method in METHODS])
