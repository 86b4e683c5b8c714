"""What a run says that it is going to do."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from a2lc.classes import ClassSet
from a2lc.cli import main
from a2lc.loop.config import load_config
from a2lc.loop.plan import plan
from tests.support.tiny import tiny_arguments, tiny_data


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (["seeds=1"], "8 images, 1 seed x a2lc x 5 rounds of 1,000 clicks; 6 trainings of 30,000 iterations"),
        (["method=a2lc,alc", "seeds=1,2", "rounds=1"], "2 seeds x a2lc, alc x 1 round of 1,000 clicks; 6 trainings"),
        (
            ["start=clicks", "seeds=1", "rounds=0", "training.iterations=1"],
            "0 rounds of 1,000 clicks; 2 trainings",
        ),
        (["method=random", "seeds=1", "training.iterations=0"], "no network is trained"),
    ],
)
def test_what_is_told(settings: list[str], told: str) -> None:
    assert told in plan(load_config("pascal", settings), 8)


def test_a_run_tells_it_first(tmp_path: Path, classes: ClassSet, caplog: pytest.LogCaptureFixture) -> None:
    data = tiny_data(tmp_path / "data", classes)
    arguments = tiny_arguments(data, tmp_path / "out", "method=random", "training.iterations=0", "rounds=1")
    with caplog.at_level(logging.INFO, "a2lc"):
        assert main(["run", *arguments]) == 0
    told = "6 images, 1 seed x random x 1 round of 4 clicks; no network is trained"
    assert any(told in message for message in caplog.messages)
