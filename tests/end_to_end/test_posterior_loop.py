"""The answer posterior in the loop: without a network, with answers from people, killed and continued."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from a2lc.classes import ClassSet
from a2lc.cli import main
from a2lc.labels.ledger import Decision, Ledger
from a2lc.loop import correction
from a2lc.loop.round_learner import RoundLearner
from tests.support.tiny import seed_table, tiny_arguments, tiny_data

SETTINGS = ("method=posterior", "training.iterations=0", "inner_batch=2", "budget=6", "propagation.mode=fixed")


def decisions_of(output: Path) -> list[Decision]:
    return Ledger(output / "runs" / "folder" / "seed1" / "posterior" / "ledger.sqlite").decisions()


def killed_at_the_second_call(undisturbed: Callable[..., object]) -> Callable[..., object]:
    calls = iter((False, True))

    def killed(*given: object) -> object:
        if next(calls):
            raise KeyboardInterrupt
        return undisturbed(*given)

    return killed


def test_a_killed_run_ends_with_the_same_ledger(
    tmp_path: Path, classes: ClassSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tiny_data(tmp_path / "data", classes)
    assert main(["run", *tiny_arguments(data, tmp_path / "whole", *SETTINGS)]) == 0
    whole = decisions_of(tmp_path / "whole")
    assert sum(decision.queried for decision in whole) == 12
    assert {decision.source for decision in whole} == {"ground_truth", "posterior"}
    arguments = ["run", *tiny_arguments(data, tmp_path / "killed", *SETTINGS)]
    for owner, stage in ((correction, "select_queries"), (RoundLearner, "relabelled")) * 2:
        with monkeypatch.context() as patch:
            patch.setattr(owner, stage, killed_at_the_second_call(getattr(owner, stage)))
            assert main(arguments) == 130
    assert main(arguments) == 0
    assert decisions_of(tmp_path / "killed") == whole


def test_people_get_one_queue_after_the_other(tmp_path: Path, classes: ClassSet) -> None:
    data = tiny_data(tmp_path / "data", classes, truth=False)
    arguments = ["run", *tiny_arguments(data, tmp_path, *SETTINGS, "rounds=1", "annotator=answers")]
    asked = []
    for batch in range(3):
        assert main(arguments) == 3
        queue = tmp_path / f"runs/folder/seed1/posterior/round_1/queue{f'_{batch}' if batch else ''}.csv"
        with queue.open(newline="") as file:
            rows = list(csv.DictReader(file))
        asked += [(row["image_id"], row["mask_id"]) for row in rows]
        for row, answer in zip(rows, ("disc", "skip"), strict=True):
            row["answer"] = answer
        with queue.open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
    assert main(arguments) == 0
    assert len(set(asked)) == 6


@pytest.mark.slow
def test_a_trained_network_adds_its_statistics_and_nothing_else(tmp_path: Path, classes: ClassSet) -> None:
    data = tiny_data(tmp_path / "data", classes)
    trained = ("training.iterations=6", "rounds=1")
    runs = {
        "used": (*SETTINGS, *trained, "method=posterior,area"),
        "ignored": (*SETTINGS, *trained, "posterior.network_statistics=false"),
        "absent": (*SETTINGS, "rounds=1"),
    }
    for name, settings in runs.items():
        assert main(["run", *tiny_arguments(data, tmp_path / name, *settings)]) == 0
    used, ignored, absent = (decisions_of(tmp_path / name) for name in runs)
    assert ignored == absent
    assert used != absent
    rows = seed_table(tmp_path / "used")
    assert {row["method"] for row in rows} == {"posterior", "area"}


def test_other_methods_need_a_network(tmp_path: Path, classes: ClassSet, capsys: pytest.CaptureFixture[str]) -> None:
    data = tiny_data(tmp_path / "data", classes)
    assert main(["run", *tiny_arguments(data, tmp_path, "method=a2lc", "training.iterations=0")]) == 2
    assert "needs a network" in capsys.readouterr().err
