"""The README's commands do what it says: "Your own images", run as printed, with tiny models and a tiny network."""

from __future__ import annotations

import csv
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from a2lc.classes import parse_classes
from a2lc.cli import main as a2lc
from a2lc.datasets.toyscapes import Toyscapes, ToyscapesSettings
from a2lc.foundation.images import read_image
from a2lc.foundation.layers import merge, parse_overrides
from a2lc.labels.store import open_pseudo_labels
from grounded_sam.cli import main as grounded_sam
from tests.support.folders import make_folder
from tests.support.gsam_tiny import save_detector, save_segmenter
from tests.support.tiny import SETTINGS

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SECTION = README.split("## Your own images")[1].split("\n## ")[0]
BLOCKS = {
    language: "\n".join(re.findall(rf"```{language}\n(.*?)```", SECTION, re.DOTALL)) for language in ("yaml", "bash")
}
LINES = [line for line in BLOCKS["bash"].splitlines() if line]
STEPS = [shlex.split(line, comments=True)[1:] for line in LINES if line.startswith("a2lc ")]
pytestmark = pytest.mark.xdist_group("readme")  # what they share takes long to make


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of photos in which all was done that the README prints before the first `a2lc`.

    The weights are those of tiny random models; settings of a tiny network are added to my_images.yaml.
    """
    home = tmp_path_factory.mktemp("home")
    drawn = make_folder(home / "drawn", parse_classes({"classes": ["ground", "box", "disc"]}, "test"), 4, truth=False)
    shutil.copytree(drawn / "images", home / "my_images" / "images")
    (home / "Grounded-Segment-Anything").symlink_to(ROOT / "Grounded-Segment-Anything")
    settings = merge(yaml.safe_load(BLOCKS["yaml"]), parse_overrides([*SETTINGS, "budget=6"]))
    (home / "my_images.yaml").write_text(yaml.safe_dump(settings))
    wings = [str(ROOT / wing) for wing in ("DeepLabV3Plus_Pytorch", "Grounded-Segment-Anything")]
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONPATH": os.pathsep.join(wings),
        "GROUNDING_DINO_WEIGHTS": str(save_detector(home / "detector")),
        "SAM_WEIGHTS": str(save_segmenter(home / "segmenter")),
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
    }
    for line in LINES[: -len(STEPS)]:
        done = subprocess.run(["bash", "-c", line], cwd=home, env=environment, stderr=subprocess.PIPE, check=False)
        assert done.returncode == 0, done.stderr.decode()
    return home


@pytest.fixture
def home(labelled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that folder, and the place to be."""
    for name in ("my_images", "my_images.yaml"):
        (shutil.copytree if (labelled / name).is_dir() else shutil.copy)(labelled / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def fill(queue: Path, target: Path) -> int:
    """Answer car to every question."""
    with queue.open(newline="") as file:
        rows = list(csv.DictReader(file))
    with target.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows({**row, "answer": "car"} for row in rows)
    return len(rows)


def test_every_line_is_run() -> None:
    assert LINES[1].startswith("bash Grounded-Segment-Anything/run_folder.sh ")
    assert [line.startswith("a2lc ") for line in LINES] == [False] * 2 + [True] * len(STEPS)
    assert [step[0] for step in STEPS] == [
        "train", "score", "select", "correct", "propagate", "train", "export", "predict",
    ]  # fmt: skip


@pytest.mark.slow
def test_from_photos_and_class_names_to_corrected_labels(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = open_pseudo_labels(home / "my_images/pseudo_labels")
    assert (before.root / "contact_sheet.png").is_file()
    assert sum(len(np.unique(before.masks(image_id))) - 1 for image_id in before.image_ids()) > 10
    for step in STEPS:
        if "--answers" in step:
            queue = Path(capsys.readouterr().out.splitlines()[-1])
            assert fill(queue, home / "answered.csv") > 0
        assert a2lc(step) == 0, step
    corrected = open_pseudo_labels(home / "corrected")
    assert corrected.image_ids() == before.image_ids()
    assert any(corrected.labels(i).tobytes() != before.labels(i).tobytes() for i in before.image_ids())
    assert len(list((home / "predicted").rglob("*.png"))) >= len(before.image_ids())


@pytest.mark.slow
def test_one_command(home: Path) -> None:
    assert "a2lc run my_images.yaml" in SECTION
    rounds = yaml.safe_load(BLOCKS["yaml"])["rounds"]
    codes = []
    for _ in range(rounds + 1):
        codes.append(a2lc(["run", "my_images.yaml"]))
        for queue in (home / "outputs").rglob("queue.csv"):
            fill(queue, queue)
    assert codes == [3] * rounds + [0]


@pytest.mark.slow
def test_the_contact_sheet_is_what_its_command_draws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Toyscapes(ToyscapesSettings(root=Path("outputs/data/toyscapes")))
    (command,) = re.findall(r"`grounded-sam (inspect .*)`", SECTION)
    assert grounded_sam(command.split()) == 0
    drawn, shown = read_image(Path("sheet.png")), read_image(ROOT / "assets/toyscapes_masks.png")
    assert drawn.shape == shown.shape
    assert np.abs(drawn.astype(int) - shown).mean() < 8  # it is shown in 256 colours


def test_files_the_readme_names_exist() -> None:
    for link in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / link).exists(), link
    for script in re.findall(r"(?:bash|python) ([\w/-]+\.(?:sh|py))", README):
        assert (ROOT / script).exists(), script
