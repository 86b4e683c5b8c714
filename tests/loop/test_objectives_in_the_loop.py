"""Rounds with objectives that read codes, and that hear which masks were answered."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file

from a2lc.classes import ClassSet
from a2lc.cli import main
from a2lc.labels.ledger import Ledger
from a2lc.loop import training
from tests.support.tiny import SETTINGS, tiny_arguments, tiny_data

SEEDED = ("training.objective=ecoc", "training.loss.ecoc.variant=seeded")


@pytest.mark.slow
def test_a_round_on_toyscapes_with_codes(tmp_path: Path) -> None:
    data = ["dataset.root=" + str(tmp_path / "toyscapes"), "dataset.train_images=6", "dataset.val_images=2"]
    settings = [f"output={tmp_path / 'out'}", "experiment=codes", "seeds=1", "rounds=1", "budget=4", *data, *SETTINGS]
    assert main(["run", "demo", *settings, "method=a2lc", *SEEDED, "training.loss.ecoc.bits=24"]) == 0
    folder = tmp_path / "out/runs/codes/seed1/a2lc"
    assert load_file(folder / "round_1/last.safetensors")["classifier.classifier.3.bias"].shape == (24,)
    assert len(Ledger(folder / "ledger.sqlite").answers()) == 4
    assert (folder / "round_1/metrics.json").exists()


def test_a_training_hears_of_the_answers_of_its_round(
    tmp_path: Path, classes: ClassSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the first network nothing is verified, by the second the four masks that were asked about."""
    heard: list[int] = []
    undisturbed = training.train

    def listening(*arguments: object, **named: object) -> object:
        verified = named["verified"]
        assert callable(verified)
        heard.append(sum(int(np.asarray(verified(f"image{index:02d}")).any()) for index in range(6)))
        return undisturbed(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(training, "train", listening)
    data = tiny_data(tmp_path / "data", classes)
    assert main(["run", *tiny_arguments(data, tmp_path / "out", "rounds=1", "propagation=none", *SEEDED)]) == 0
    asked = Ledger(tmp_path / "out/runs/folder/seed1/a2lc/ledger.sqlite").answers()
    assert heard == [0, len({answer.image_id for answer in asked})]
