"""The README's commands do what it says: "Your own images", run as printed, with a network of the tests' size."""

from __future__ import annotations

import csv
import re
import shlex
from pathlib import Path

import pytest
import yaml

from a2lc.classes import ClassSet
from a2lc.cli import main
from a2lc.labels.store import open_pseudo_labels
from tiny import SETTINGS, tiny_data

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
SECTION = README.split("## Your own images")[1].split("\n## ")[0]
BLOCKS = dict.fromkeys(("yaml", "bash"), "") | {
    language: "\n".join(re.findall(rf"```{language}\n(.*?)```", SECTION, re.DOTALL)) for language in ("yaml", "bash")
}


@pytest.fixture
def home(tmp_path: Path, classes: ClassSet, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder as the README draws it, without ground truth, and its my_images.yaml as printed."""
    tiny_data(tmp_path / "my_images", classes, truth=False)
    (tmp_path / "my_images.yaml").write_text(BLOCKS["yaml"])
    monkeypatch.chdir(tmp_path)
    return tmp_path


def fill(queue: Path, target: Path) -> int:
    """Answer box to every question."""
    with queue.open(newline="") as file:
        rows = list(csv.DictReader(file))
    with target.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows({**row, "answer": "box"} for row in rows)
    return len(rows)


def test_step_by_step(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    commands = [shlex.split(line, comments=True) for line in BLOCKS["bash"].splitlines() if line.startswith("a2lc ")]
    assert [command[1] for command in commands] == [
        "train", "score", "select", "correct", "propagate", "train", "export", "predict",
    ]  # fmt: skip
    for command in commands:
        if "--answers" in command:
            queue = Path(capsys.readouterr().out.splitlines()[-1])
            assert fill(queue, home / "answered.csv") > 0
        assert main([*command[1:], "budget=6", *SETTINGS]) == 0, command
    corrected, before = open_pseudo_labels(home / "corrected"), open_pseudo_labels(home / "my_images/pseudo_labels")
    assert corrected.image_ids() == before.image_ids()
    changed = [i for i in before.image_ids() if corrected.labels(i).tobytes() != before.labels(i).tobytes()]
    assert changed


def test_one_command(home: Path) -> None:
    assert "a2lc run my_images.yaml" in SECTION
    rounds = yaml.safe_load(BLOCKS["yaml"])["rounds"]
    codes = []
    for _ in range(rounds + 1):
        codes.append(main(["run", "my_images.yaml", "budget=6", *SETTINGS]))
        for queue in (home / "outputs").rglob("queue.csv"):
            fill(queue, queue)
    assert codes == [3] * rounds + [0]


def test_files_the_readme_names_exist() -> None:
    root = Path(__file__).parents[1]
    for link in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (root / link).exists(), link
    for script in re.findall(r"(?:bash|python) ([\w/]+\.(?:sh|py))", README):
        assert (root / script).exists(), script
