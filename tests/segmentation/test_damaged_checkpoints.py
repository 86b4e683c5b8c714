"""Weights and half-finished trainings that are damaged, malicious or no numbers."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import safetensors.torch
import torch

from a2lc.foundation.errors import InputError
from a2lc.segmentation import Progress
from a2lc.segmentation.weights import read_weights
from tests.support.bad_files import malicious_checkpoint, malicious_pickle
from tests.support.training_case import run_training


class Killed(Exception):
    """Stands for a kill."""


@pytest.fixture(scope="module")
def half(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The training.pt of a training that was killed."""
    folder = tmp_path_factory.mktemp("half")

    def kill(progress: Progress) -> None:
        if progress.step == 5:
            raise Killed

    with pytest.raises(Killed):
        run_training(folder, on_progress=kill)
    return (folder / "training.pt").read_bytes()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ([1, 2], "holds a list, expected named values"),
        ("text", "holds a str"),
        ({"network": None}, "'network' is missing"),
        ({"progress": [1]}, "'progress' is a list"),
        ({"progress": {"step": 4}}, "does not hold what was expected"),
        ({"optimizer": {"state": {}}}, "does not hold what was expected"),
        ({"network": {3: "text"}}, "something else than named tensors"),
        ({"network": {"classifier.weight": torch.tensor([float("nan")])}}, "NaN or infinity"),
    ],
)
def test_a_training_of_another_kind_is_told(tmp_path: Path, half: bytes, change: object, words: str) -> None:
    path = tmp_path / "training.pt"
    path.write_bytes(half)
    content = change
    if isinstance(change, dict):
        state = torch.load(path, weights_only=True) | change
        content = {key: value for key, value in state.items() if value is not None}
    torch.save(content, path)
    with pytest.raises(InputError, match=rf"(?s)training\.pt .*{words}"):
        run_training(tmp_path)


def test_weights_that_are_no_numbers(tmp_path: Path) -> None:
    for value, name in ((float("nan"), "a.safetensors"), (float("inf"), "a.pth")):
        weights = {"good": torch.ones(3), "bad": torch.tensor([1.0, value]), "count": torch.tensor(3)}
        save = safetensors.torch.save_file if name.endswith(".safetensors") else torch.save
        save(weights, tmp_path / name)
        with pytest.raises(InputError, match=rf"{name} holds NaN or infinity in 1 of 3 tensors \(bad\)"):
            read_weights(tmp_path / name)


def test_no_weights_run_code_or_are_waited_for(tmp_path: Path) -> None:
    path, witness = tmp_path / "weights.pth", tmp_path / "witness"
    for make in (malicious_pickle, malicious_checkpoint):
        make(path, witness)
        with pytest.raises(InputError, match=r"weights\.pth"):
            read_weights(path)
        assert not witness.exists()
    os.mkfifo(tmp_path / "pipe.pth")
    with pytest.raises(InputError, match="no regular file"):
        read_weights(tmp_path / "pipe.pth")


def test_the_malicious_files_would_do_harm(tmp_path: Path) -> None:
    path, witness = tmp_path / "weights.pth", tmp_path / "witness"
    malicious_checkpoint(path, witness)
    torch.load(path, weights_only=False)
    assert witness.exists()
