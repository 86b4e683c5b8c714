"""What a command loads before it works: told by modules, not by seconds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = "torch timm torchvision sklearn matplotlib transformers numba"


def loaded(code: str) -> set[str]:
    """The heavy packages that are loaded after some code ran in a fresh process."""
    tell = f"import sys; print('loaded:', *({{*{HEAVY.split()}}} & {{*sys.modules}}))"
    wing = str(Path(__file__).parents[2] / "DeepLabV3Plus_Pytorch")
    environment = {"PYTHONPATH": wing, "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{tell}"], env=environment, capture_output=True, text=True, check=True
    )
    return set(done.stdout.splitlines()[-1].split()[1:])


@pytest.mark.parametrize("arguments", [["run", "--keys"], ["run", "demo", "--show"], ["run", "demo", "trainig.a=1"]])
def test_configuration_needs_no_network(arguments: list[str]) -> None:
    assert loaded(f"from a2lc.cli import main; main({arguments})") == set()


@pytest.mark.parametrize("module", ["export", "options", "rounds", "run", "table"])
def test_verbs_without_a_network_load_none(module: str) -> None:
    assert loaded(f"import a2lc.commands.{module}") == set()


def test_public_names_are_there_and_loaded_when_used() -> None:
    assert loaded("import a2lc; a2lc.adaptive_class_weights([1, 2]); dir(a2lc)") == set()
    names = loaded("import a2lc; [getattr(a2lc, name) for name in a2lc.__all__]; a2lc.mask_statistics.mask_statistics")
    assert "torch" in names
