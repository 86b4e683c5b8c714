"""The loop end to end: determinism, its verbs one by one, people as annotators, and what must stop it."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from a2lc.classes import ClassSet
from a2lc.cli import main
from a2lc.labels.ledger import Ledger
from a2lc.labels.store import open_pseudo_labels
from tests.support.tiny import tiny_arguments, tiny_data


@pytest.fixture
def data(tmp_path: Path, classes: ClassSet) -> Path:
    return tiny_data(tmp_path / "data", classes)


def table(output: Path, seed: int = 1) -> list[dict[str, Any]]:
    with (output / f"results/folder/seed{seed}.csv").open(newline="") as file:
        return [{k: v for k, v in row.items() if not k.startswith("seconds")} for row in csv.DictReader(file)]


@pytest.mark.slow
def test_run_writes_everything_it_promises(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "out"
    arguments = ["run", *tiny_arguments(data, output, "method=a2lc,alc,random", "seeds=1,2")]
    assert main(arguments) == 0
    assert "| a2lc |" in capsys.readouterr().out
    rows = table(output)
    assert [(row["method"], row["round"], row["clicks"]) for row in rows] == [
        (method, str(index), str(4 * index)) for method in ("a2lc", "alc", "random") for index in range(3)
    ]
    assert (output / "results/folder/miou.png").stat().st_size > 1000
    assert "a2lc run folder" in (output / "results/folder/summary.md").read_text()
    first = [row["data_miou"] for row in rows if row["round"] == "0"]
    assert len(set(first)) == 1, "all methods of a seed share round 0"

    seed1 = output / "runs/folder/seed1"
    masks = pq.read_table(seed1 / "a2lc/round_1/mask_table.parquet").to_pydict()
    ranked = sorted((rank, image, mask) for rank, image, mask in zip(
        masks["rank"], masks["image_id"], masks["mask_id"], strict=True))  # fmt: skip
    asked = [decision.key for decision in Ledger(seed1 / "a2lc/ledger.sqlite").decisions_of(1) if decision.queried]
    assert [(image, mask) for _, image, mask in ranked[:4]] == asked, "the best ranked masks were asked about"
    again = Ledger(seed1 / "a2lc/ledger.sqlite").decisions_of(2)
    assert not {decision.key for decision in again if decision.queried} & set(asked), "no mask is asked twice"
    round_2 = pq.read_table(seed1 / "a2lc/round_2/mask_table.parquet").to_pydict()
    assert sum(round_2["queried_before"]) == 4
    assert not list(output.rglob("training.pt"))

    before = {path: path.stat().st_mtime_ns for path in (output / "runs").rglob("round_*/*")}
    assert main(arguments) == 0
    assert before == {path: path.stat().st_mtime_ns for path in before}, "a finished run is not done again"
    assert table(output) == rows


@pytest.mark.slow
def test_same_seed_same_numbers_other_seed_others(data: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        assert main(["run", *tiny_arguments(data, tmp_path / name, "method=random", "seeds=3,4", "rounds=1")]) == 0
    assert table(tmp_path / "one", 3) == table(tmp_path / "two", 3)
    assert table(tmp_path / "one", 3) != table(tmp_path / "one", 4)


@pytest.mark.slow
def test_verbs_one_by_one_equal_run(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", *tiny_arguments(data, tmp_path / "run", "rounds=1")]) == 0
    settings = tiny_arguments(data, tmp_path / "verbs", "rounds=1")
    for verb in ("train", "score", "correct", "propagate", "train", "evaluate", "report"):
        assert main([verb, *settings]) == 0, verb
    assert table(tmp_path / "run") == table(tmp_path / "verbs")
    assert main(["score", *settings]) == 2, "there is no round after the last"
    assert "all 1 rounds" in capsys.readouterr().err


def test_verbs_out_of_order_say_what_comes_first(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = tiny_arguments(data, tmp_path / "out")
    for verbs, message in (
        (["score"], "run a2lc train"),
        (["train", "train"], "round 1 is not corrected yet"),
        (["correct"], "score the masks of this round first"),
        (["score", "propagate"], "holds no answers of round 1"),
        (["export", "--to", str(tmp_path / "labels")], ""),
    ):
        codes = [main([verb, *settings]) for verb in verbs] if verbs[0] != "export" else [main([*verbs, *settings])]
        assert codes[-1] == (0 if not message else 2), verbs
        assert message in capsys.readouterr().err


def test_inner_batches_spend_the_same_budget(data: Path, tmp_path: Path) -> None:
    assert main(["run", *tiny_arguments(data, tmp_path / "out", "rounds=1", "inner_batch=3")]) == 0
    ledger = Ledger(tmp_path / "out/runs/folder/seed1/a2lc/ledger.sqlite")
    assert ledger.batches(1, "annotate") == ledger.batches(1, "propagate") == 2
    assert len(ledger.queried()) == 4


def answer_by_rule(queue: Path) -> int:
    """Fill a queue as a person would: skip the first, say box to everything else."""
    with queue.open(newline="") as file:
        rows = list(csv.DictReader(file))
    with queue.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows({**row, "answer": "skip" if index == 0 else "box"} for index, row in enumerate(rows))
    return len(rows)


def test_people_answer_through_the_queue(tmp_path: Path, classes: ClassSet, capsys: pytest.CaptureFixture[str]) -> None:
    """The README's "your own images": no ground truth anywhere."""
    data = tiny_data(tmp_path / "data", classes, truth=False)
    settings = tiny_arguments(data, tmp_path / "out", "annotator=answers", "rounds=1")
    assert main(["run", *settings]) == 3
    queue = tmp_path / "out/runs/folder/seed1/a2lc/round_1/queue.csv"
    assert str(queue) in capsys.readouterr().err
    assert main(["run", *settings]) == 3, "an unanswered queue waits"
    assert answer_by_rule(queue) == 4
    assert main(["run", *settings]) == 0
    assert main(["export", *settings, "--to", str(tmp_path / "labels")]) == 0

    decisions = Ledger(queue.parents[1] / "ledger.sqlite").decisions_of(1)
    asked = [decision for decision in decisions if decision.queried]
    assert [decision.label_after for decision in asked] == [None, 1, 1, 1]
    exported = open_pseudo_labels(tmp_path / "labels")
    for decision in asked[1:]:
        inside = exported.masks(decision.image_id) == decision.mask_id
        assert set(exported.labels(decision.image_id)[inside].tolist()) == {1}
    (row,) = [row for row in table(tmp_path / "out") if row["round"] == "1"]
    assert (row["data_miou"], row["model_miou_best"], row["skipped"]) == ("", "", "1")


def test_queue_verbs_one_by_one(tmp_path: Path, classes: ClassSet, capsys: pytest.CaptureFixture[str]) -> None:
    data = tiny_data(tmp_path / "data", classes, truth=False)
    settings = tiny_arguments(data, tmp_path / "out", "annotator=answers")
    for verb in ("train", "score", "select"):
        assert main([verb, *settings]) == 0
    queue = Path(capsys.readouterr().out.splitlines()[-1])
    filled = Path(shutil.copy(queue, tmp_path / "filled.csv"))
    answer_by_rule(filled)
    broken = tmp_path / "broken.csv"
    broken.write_text(filled.read_text().replace("box\n", "boxx\n").replace(",box,", ",boxx,"))
    assert main(["correct", *settings, "--answers", str(broken)]) == 2
    assert "did you mean box?" in capsys.readouterr().err
    assert not Ledger(queue.parents[1] / "ledger.sqlite").decisions(), "nothing was written"
    assert main(["correct", *settings, "--answers", str(filled), "--annotator-name", "ann"]) == 0
    assert {d.annotator for d in Ledger(queue.parents[1] / "ledger.sqlite").decisions()} == {"ann"}
    capsys.readouterr()
    assert main(["correct", *settings, "--answers", str(filled)]) == 2, "the same answers are not taken twice"
    assert "recorded already" in capsys.readouterr().err
    assert main(["correct", *settings, "--answers", str(tmp_path / "nowhere.csv")]) == 2
    assert main(["propagate", *settings]) == 0
    assert main(["train", *settings]) == 0


def test_more_budget_than_masks(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = tiny_arguments(data, tmp_path / "out", "budget=1000", "propagation=none")
    assert main(["run", *settings]) == 0
    assert "masks are left, fewer than the budget of 1000" in capsys.readouterr().err
    rows = table(tmp_path / "out")
    assert [row["round"] for row in rows] == ["0", "1"], "a second round had nothing to ask"
    assert rows[1]["clicks"] != "0"


def test_other_configuration_is_refused(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "out"
    assert main(["run", *tiny_arguments(data, output, "rounds=1")]) == 0
    files = {path: path.read_bytes() for path in output.rglob("*.yaml")}
    assert main(["run", *tiny_arguments(data, output, "rounds=1", "checkpoint=best", "acquisition=sim")]) == 2
    message = capsys.readouterr().err
    assert "checkpoint: last -> best" in message
    assert "acquisition.name: abc -> sim" in message
    assert files == {path: path.read_bytes() for path in files}
    assert main(["run", *tiny_arguments(data, output, "rounds=2", "training.workers=1")]) == 0, "rounds may be added"
    assert main(["run", *tiny_arguments(data, output, "method=alc", "training.iterations=5")]) == 2
    assert "training.iterations: 6 -> 5" in capsys.readouterr().err


def test_broken_inputs_are_named_and_nothing_is_lost(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = tiny_arguments(data, tmp_path / "out", "rounds=1")
    image = data / "images" / "image03.png"
    whole = image.read_bytes()
    image.write_bytes(whole[:200])
    assert main(["run", *settings]) == 2
    message = capsys.readouterr().err
    assert "image03.png" in message
    assert "Traceback" not in message
    image.write_bytes(whole)
    assert main(["run", *settings]) == 0

    (data / "pseudo_labels/masks/image02.png").unlink()
    assert main(["run", *settings, "experiment=other"]) == 2
    assert "image02.png does not exist" in capsys.readouterr().err


def test_images_without_masks_and_void_masks(tmp_path: Path, classes: ClassSet) -> None:
    data = tiny_data(tmp_path / "data", classes)
    labels = open_pseudo_labels(data / "pseudo_labels")
    from a2lc.foundation.images import write_label_map, write_mask_map

    masks = labels.masks("image00")
    write_mask_map(labels.mask_path("image00"), np.zeros_like(masks))
    write_label_map(labels.label_path("image01"), np.full(masks.shape, 255, dtype=np.uint8), classes.palette())
    write_mask_map(labels.mask_path("image02"), np.arange(masks.size).reshape(masks.shape))
    assert main(["run", *tiny_arguments(data, tmp_path / "out", "rounds=1")]) == 0
    scored = pq.read_table(tmp_path / "out/runs/folder/seed1/a2lc/round_1/mask_table.parquet").to_pydict()
    assert "image00" not in scored["image_id"]
    assert scored["image_id"].count("image02") == masks.size - 1, "far more than 255 masks"
    assert {n for n, i in zip(scored["label_name"], scored["image_id"], strict=True) if i == "image01"} == {"void"}


def test_ground_truth_is_not_needed_to_score_but_to_simulate(
    tmp_path: Path, classes: ClassSet, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tiny_data(tmp_path / "data", classes, truth=False)
    assert main(["run", *tiny_arguments(data, tmp_path / "out")]) == 2
    assert "add annotator=answers" in capsys.readouterr().err


def test_two_processes_cannot_share_a_seed(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from filelock import FileLock

    folder = tmp_path / "out/runs/folder/seed1"
    folder.mkdir(parents=True)
    with FileLock(folder / ".lock"):
        assert main(["run", *tiny_arguments(data, tmp_path / "out")]) == 2
    assert "in use by another process" in capsys.readouterr().err


def test_metrics_of_a_round_are_json(data: Path, tmp_path: Path) -> None:
    assert main(["run", *tiny_arguments(data, tmp_path / "out", "rounds=1")]) == 0
    metrics = json.loads((tmp_path / "out/runs/folder/seed1/a2lc/round_1/metrics.json").read_text())
    assert metrics["p"] + metrics["annotator_changes"] / 4 == pytest.approx(1)
    assert 0 <= metrics["data_miou"] <= metrics["data_miou_present"] <= 1
    assert metrics["seconds_score"] > 0
