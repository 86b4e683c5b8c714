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


def fill(queue: Path, target: Path, answers: dict[int, str], default: str) -> list[dict[str, str]]:
    """Write a queue with these answers by position, and the default for the others; gives its rows."""
    with queue.open(newline="") as file:
        rows = list(csv.DictReader(file))
    with target.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(row | {"answer": answers.get(index, default)} for index, row in enumerate(rows))
    return rows


def test_earlier_answers_are_replaced_by_new_rows(
    tmp_path: Path, classes: ClassSet, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tiny_data(tmp_path / "data", classes, truth=False)
    arguments = tiny_arguments(data, tmp_path, *SETTINGS, "rounds=1", "inner_batch=3", "annotator=answers")
    folder = tmp_path / "runs/folder/seed1/posterior"
    first, second = folder / "round_1/queue.csv", folder / "round_1/queue_1.csv"
    assert main(["run", *arguments]) == 3
    rows = fill(first, first, {1: "skip"}, "disc")
    assert main(["run", *arguments]) == 3, "the second batch waits"
    ledger, fixed = Ledger(folder / "ledger.sqlite"), tmp_path / "fixed.csv"
    before = ledger.decisions()

    fill(first, fixed, {0: "skip"}, "disc")
    assert main(["correct", *arguments, "--answers", str(fixed)]) == 2
    assert "write a class, yes or void instead" in capsys.readouterr().err
    fill(first, fixed, {0: "box", 1: "box"}, "disc")
    assert main(["correct", *arguments, "--answers", str(fixed), "--annotator-name", "bob"]) == 0
    assert "2 earlier answers replaced" in capsys.readouterr().out
    assert ledger.decisions() == before, "the questions that wait stay what they are"

    asked = fill(second, second, {}, "yes")
    assert main(["correct", *arguments, "--answers", str(second)]) == 0
    assert ledger.decisions()[: len(before)] == before, "what was recorded stays"
    *others, one, other = ledger.decisions()[len(before) :]
    assert len(others) == len(asked) == 3, "what was replaced takes nothing from the budget"
    assert [(d.label_after, d.source, d.annotator) for d in (one, other)] == [(1, "revision", "bob")] * 2
    assert [(d.image_id, d.mask_id) for d in (one, other)] == [(r["image_id"], int(r["mask_id"])) for r in rows[:2]]

    fill(first, fixed, {0: "ground", 1: "box"}, "disc")
    assert main(["correct", *arguments, "--answers", str(fixed)]) == 0
    assert ledger.decisions()[-1].label_after == 0, "at once, as nothing waits"
    assert main(["run", *arguments]) == 0
    assert not ledger.problems()
    final = ledger.corrections()
    assert (final[one.image_id][one.mask_id], final[other.image_id][other.mask_id]) == (0, 1)
