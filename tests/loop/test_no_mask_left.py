"""A run with more clicks than masks: it asks about every mask once, says that they run short, and ends."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from a2lc.classes import ClassSet
from a2lc.cli import main
from a2lc.labels.ledger import Ledger
from a2lc.labels.store import open_pseudo_labels
from tests.support.tiny import seed_table, tiny_arguments, tiny_data

ROUNDS = 5


@pytest.mark.parametrize(
    ("method", "extra"),
    [("area", ()), ("area", ("inner_batch=3",)), ("posterior", ("inner_batch=4",)), ("posterior", ("inner_batch=7",))],
)
def test_the_loop_ends_where_no_mask_is_left(
    method: str, extra: tuple[str, ...], tmp_path: Path, classes: ClassSet, caplog: pytest.LogCaptureFixture
) -> None:
    data = tiny_data(tmp_path / "data", classes)
    masks = mask_count(data)
    budget = masks // 3 - 1  # three whole rounds, and some masks for a fourth
    assert 3 * budget < masks < 4 * budget
    settings = ("training.iterations=0", f"method={method}", f"rounds={ROUNDS}", f"budget={budget}", *extra)
    arguments = ["run", *tiny_arguments(data, tmp_path / "out", *settings)]
    with caplog.at_level(logging.WARNING, logger="a2lc.loop"):
        assert main(arguments) == 0
    told = [record.name for record in caplog.records if record.name.startswith("a2lc.loop")]
    assert told == ["a2lc.loop.correction", "a2lc.loop.rounds"], "that masks run short, and then that the run ends"

    folder = tmp_path / "out/runs/folder/seed1" / method
    asked = [decision.key for decision in Ledger(folder / "ledger.sqlite").decisions() if decision.queried]
    assert len(asked) == len(set(asked)) == masks
    assert [row["clicks"] for row in seed_table(tmp_path / "out")] == [str(min(r * budget, masks)) for r in range(5)]
    assert not (folder / "round_5/training.json").exists()
    assert (tmp_path / "out/results/folder/summary.md").exists()

    decisions = Ledger(folder / "ledger.sqlite").decisions()
    assert main(arguments) == 0, "the same command finds nothing more to do"
    assert Ledger(folder / "ledger.sqlite").decisions() == decisions
    assert len(seed_table(tmp_path / "out")) == ROUNDS


def mask_count(data: Path) -> int:
    """Masks of the training images, all images but the last two."""
    pseudo_labels = open_pseudo_labels(data / "pseudo_labels")
    return sum(len(set(pseudo_labels.masks(f"image{k:02d}").ravel()) - {0}) for k in range(6))
