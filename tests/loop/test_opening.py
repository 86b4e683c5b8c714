"""Which settings a folder holds on to: those by which something was made in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from a2lc.classes import ClassSet
from a2lc.cli import main
from tests.support.tiny import tiny_arguments, tiny_data


@pytest.fixture
def data(tmp_path: Path, classes: ClassSet) -> Path:
    return tiny_data(tmp_path / "data", classes)


def test_a_run_that_failed_before_it_made_anything_goes_on_when_its_setting_is_mended(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = tiny_arguments(data, tmp_path / "out", "method=random", "rounds=0", "training.iterations=2")
    assert main(["run", *arguments, "network.backbone=no_such_network"]) == 2
    assert "no_such_network" in capsys.readouterr().err
    assert main(["run", *arguments]) == 0
    recorded = (tmp_path / "out/runs/folder/seed1/round_0/config.yaml").read_text()
    assert "backbone: test_resnet" in recorded


def test_a_folder_in_which_something_was_made_keeps_its_settings(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = tiny_arguments(data, tmp_path / "out", "training.iterations=0", "rounds=1", "annotator=answers")
    assert main(["run", *arguments, "method=random"]) == 3
    capsys.readouterr()
    for method in ("random", "area"):  # the first network is shared
        assert main(["run", *arguments, f"method={method}", "network.backbone=resnet18"]) == 2
        assert "was made with another configuration" in capsys.readouterr().err


def test_a_method_of_which_nothing_was_made_may_change_while_its_first_network_stands(
    data: Path, tmp_path: Path
) -> None:
    arguments = tiny_arguments(data, tmp_path / "out", "method=random", "training.iterations=0")
    assert main(["run", *arguments, "rounds=0", "annotator=answers"]) == 0
    assert main(["run", *arguments, "rounds=1", "annotator=ground_truth"]) == 0
