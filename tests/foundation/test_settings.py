"""Marks: what every key of a run decides about, and methods that cannot share a run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from a2lc.foundation.errors import InputError
from a2lc.foundation.settings import Decides, marks_of, models_in
from a2lc.loop.config import RunConfig, load_config
from a2lc.loop.opening import open_runs


def keys(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Every dotted key that holds a value."""
    for name, info in model.model_fields.items():
        nested = list(models_in(info.annotation))
        for part in nested:
            yield from keys(part, f"{prefix}{name}.")
        if not nested:
            yield f"{prefix}{name}"


def test_every_key_is_marked() -> None:
    assert [key for key in keys(RunConfig) if not marks_of(RunConfig, key)] == []


def test_what_decides_about_what() -> None:
    assert marks_of(RunConfig, "training.learning_rate") == {Decides.FIRST_NETWORK}
    assert marks_of(RunConfig, "training.workers") == {Decides.SPEED}
    assert marks_of(RunConfig, "dataset.root") == {Decides.FIRST_NETWORK, Decides.SOURCE}
    (one,), (other,) = load_config("demo", ["method=a2lc"]), load_config("demo", ["method=a2lc", "training.workers=3"])
    assert one.difference(other, tuple(Decides)) == ["training.workers: 0 -> 3"]
    assert one.difference(other, [Decides.FIRST_NETWORK]) == []


def test_methods_that_disagree_on_what_they_share_are_refused(tmp_path: Path) -> None:
    (one,) = load_config("demo", ["method=a2lc", f"output={tmp_path}"])
    (other,) = load_config("demo", ["method=random", f"output={tmp_path}", "training.iterations=7"])
    with pytest.raises(InputError, match=r"a2lc and random: training\.iterations: \d+ -> 7"):
        open_runs([one, other])
