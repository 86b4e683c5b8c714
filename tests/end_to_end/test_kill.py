"""A run that is killed again and again, at any stage, ends like one left alone."""

from __future__ import annotations

import csv
import random
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from a2lc.acquisition.table import read_mask_table
from a2lc.classes import ClassSet
from a2lc.labels.ledger import Ledger
from a2lc.labels.state import LabelState
from a2lc.labels.store import open_pseudo_labels
from tests.support.killing import Kill, run
from tests.support.tiny import tiny_arguments, tiny_data

METHODS = ("a2lc", "random")
ROUNDS = 3
# every stage twice, in an order that two methods of three rounds hold in any case
PLAN = ("train", "evaluate", "score", "annotate", "propagate") * 2


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


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0])
def test_ten_kills_change_nothing(tmp_path: Path, classes: ClassSet, seed: int) -> None:
    data = tiny_data(tmp_path / "data", classes)
    common = [f"method={','.join(METHODS)}", f"rounds={ROUNDS}", "training.save_every=2"]
    assert run(["run", *tiny_arguments(data, tmp_path / "alone", *common)]) == 0

    killed = ["run", *tiny_arguments(data, tmp_path / "killed", *common)]
    rng = random.Random(seed)
    for stage in PLAN:
        skip = rng.randrange(4) if stage in ("train", "score") else 0
        assert run(killed, Kill(stage, skip, rng.uniform(0, 0.02))) == -signal.SIGKILL, f"{stage} was never reached"
    assert run(killed) == 0

    alone, after = results(tmp_path / "alone", data), results(tmp_path / "killed", data)
    assert alone["a2lc ledger"], "the run decided nothing"
    assert any(decision["source"] == "lcm" for decision in alone["a2lc ledger"]), "nothing was propagated"
    for key, value in alone.items():
        assert after[key] == value, key
    assert np.all([not alone[f"{method} leftovers"] for method in METHODS])
