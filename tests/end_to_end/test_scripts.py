"""The scripts of the papers' experiments, as a researcher runs them: on a miniature Cityscapes, and with nothing."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.cityscapes_case import write_cityscapes, write_research_masks

SCRIPTS = Path(__file__).parents[2] / "DeepLabV3Plus_Pytorch"
TINY = (
    "seeds=1", "rounds=2", "budget=3", "network.backbone=test_resnet", "network.backbone_weights=none",
    "network.aspp_channels=8", "training.iterations=2", "training.batch_size=2", "training.crop_size=64",
    "training.validate_every=1", "training.workers=0", "device=cpu",
)  # fmt: skip


def run_script(name: str, *settings: str, folder: Path, **variables: Path | str) -> subprocess.CompletedProcess[str]:
    """Run a script from `folder` with the environment these tests run in."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        ["bash", str(SCRIPTS / name), *settings],
        cwd=folder,
        env=environment | {name: str(value) for name, value in variables.items()},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize(("fidelity", "trainvaltest"), [("official", True), ("corrected", False)])
def test_cityscapes_from_end_to_end(tmp_path: Path, fidelity: str, trainvaltest: bool) -> None:
    write_cityscapes(tmp_path / "data", trainvaltest=trainvaltest, big=True)
    write_research_masks(tmp_path / "masks", big=True)
    paths = {"DATASET_DIR": tmp_path / "data", "PSEUDO_LABEL_DIR": tmp_path / "masks", "OUTPUT_DIR": tmp_path / "out"}
    done = run_script("run_cityscapes.sh", f"fidelity={fidelity}", *TINY, folder=tmp_path, **paths)
    assert done.returncode == 0, done.stderr

    results = tmp_path / "out" / "results" / "cityscapes"
    with (results / "seed1.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["method"], row["round"], row["clicks"]) for row in rows] == [
        (method, str(index), str(3 * index)) for method in ("a2lc", "alc") for index in range(3)
    ]
    for row in rows:
        assert 0 < float(row["data_miou_strict"]) <= float(row["data_miou"]) <= 1
        assert 0 <= float(row["model_miou_best"]) <= 1
    summary = (results / "summary.md").read_text(encoding="utf-8")
    assert f"OUTPUT_DIR={tmp_path / 'out'} bash DeepLabV3Plus_Pytorch/run_cityscapes.sh fidelity={fidelity}" in summary


@pytest.mark.slow
def test_a_launcher_starts_several_processes(tmp_path: Path) -> None:
    write_cityscapes(tmp_path / "data")
    write_research_masks(tmp_path / "masks")
    paths = {"DATASET_DIR": tmp_path / "data", "PSEUDO_LABEL_DIR": tmp_path / "masks", "OUTPUT_DIR": tmp_path / "out"}
    launcher = "torchrun --standalone --nproc-per-node 2 --no-python"
    settings = (*TINY, "method=a2lc", "rounds=1", "training.batch_size=4")
    done = run_script("run_cityscapes.sh", *settings, folder=tmp_path, LAUNCHER=launcher, **paths)
    assert done.returncode == 0, done.stderr
    assert f"LAUNCHER='{launcher}' bash" in (tmp_path / "out/results/cityscapes/summary.md").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "words"),
    [("run_pascal.sh", ("VOCdevkit", "dataset.root")), ("run_cityscapes.sh", ("leftImg8bit", "login"))],
)
def test_missing_data_gets_one_sentence(tmp_path: Path, script: str, words: tuple[str, ...]) -> None:
    done = run_script(script, "device=cpu", folder=tmp_path, DATASET_DIR=tmp_path / "nothing")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert all(word in done.stderr for word in ("a2lc: ", str(tmp_path / "nothing"), *words)), done.stderr


@pytest.mark.slow
def test_missing_masks_and_weights_get_one_sentence(tmp_path: Path) -> None:
    write_cityscapes(tmp_path / "data")
    done = run_script("run_cityscapes.sh", folder=tmp_path, DATASET_DIR=tmp_path / "data")
    assert done.returncode == 2
    assert str(tmp_path / "data" / "pseudo_labels") in done.stderr
    write_research_masks(tmp_path / "masks")
    done = run_script(
        "run_cityscapes.sh", *[setting for setting in TINY if "weights" not in setting], folder=tmp_path,
        DATASET_DIR=tmp_path / "data", PSEUDO_LABEL_DIR=tmp_path / "masks", BACKBONE_WEIGHTS=tmp_path / "w.pth",
        OUTPUT_DIR=tmp_path / "out",
    )  # fmt: skip
    assert done.returncode == 2
    assert str(tmp_path / "w.pth") in done.stderr
    assert "Traceback" not in done.stderr
