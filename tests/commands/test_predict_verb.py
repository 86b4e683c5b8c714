"""`a2lc predict` after a run that logged to TensorBoard: the run's network, or the same as a checkpoint."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from a2lc.classes import ClassSet
from a2lc.cli import main
from tests.support.tiny import tiny_arguments, tiny_data


def test_predict_with_the_network_of_a_run(
    tmp_path: Path, classes: ClassSet, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("tensorboard", reason="the extra tensorboard is not installed")
    data, output = tiny_data(tmp_path / "data", classes), tmp_path / "out"
    settings = tiny_arguments(data, output, "rounds=1", "tensorboard=true")
    command = ["predict", *settings, "--images", str(data / "images"), "--to"]
    assert main([*command, str(tmp_path / "early")]) == 2
    assert "a2lc train" in capsys.readouterr().err

    assert main(["run", *settings]) == 0
    for folder in ("seed1/round_0", "seed1/a2lc/round_1"):
        assert list((output / "runs" / "folder" / folder / "tensorboard").glob("events.*")), folder

    assert main([*command, str(tmp_path / "of_run")]) == 0
    weights = output / "runs" / "folder" / "seed1" / "a2lc" / "round_1" / "last.safetensors"
    model = ["--weights", str(weights), "--classes", str(data / "classes.yaml")]
    assert main([*command, str(tmp_path / "of_weights"), *model]) == 0
    names = sorted(path.name for path in (tmp_path / "of_run" / "labels").iterdir())
    assert names == [f"image{index:02d}.png" for index in range(8)]
    for name in names:
        of_run, of_weights = (tmp_path / folder / "labels" / name for folder in ("of_run", "of_weights"))
        assert of_run.read_bytes() == of_weights.read_bytes()
        assert Image.open(of_run).size == Image.open(data / "images" / name).size
