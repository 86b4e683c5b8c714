"""The command line: help that teaches, evaluation of label sets, exit codes."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from a2lc.classes import ClassSet
from a2lc.cli import main
from a2lc.commands.table import VERBS
from a2lc.loop.config import load_config
from tests.support.folders import make_folder


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_help_of_every_verb_shows_an_example(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([verb, "--help"])
    assert stopped.value.code == 0
    assert f"a2lc {verb}" in capsys.readouterr().out.split("example")[-1]


def test_help_imports_nothing_heavy() -> None:
    code = "import sys; from a2lc.cli import build_parser; build_parser(); sys.exit('torch' in sys.modules)"
    environment = {"PYTHONPATH": str(Path(__file__).parents[2] / "DeepLabV3Plus_Pytorch"), "PATH": ""}
    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0


def test_bad_input_is_one_sentence_and_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "demoo"]) == 2
    assert capsys.readouterr().err.startswith("a2lc: no configuration demoo")
    assert main(["run"]) == 2
    assert "name a configuration" in capsys.readouterr().err


def test_keys_and_show(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--keys"]) == 0
    assert "training.batch_size = 16" in capsys.readouterr().out
    assert main(["run", "demo", "--show", "method=alc"]) == 0
    assert "method: alc" in capsys.readouterr().out


def test_keys_of_a_configuration_are_shown_with_its_values_and_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "folder", "--keys", "method=random", "rounds=7"]) == 0
    lines = capsys.readouterr().out.splitlines()[::2]
    keys = [line.split(" = ")[0] for line in lines]
    assert len(keys) == len(set(keys))
    assert {"dataset.root = (must be set)", "dataset.ground_truth = ground_truth", "method = random"} < set(lines)
    assert {"rounds = 7", "acquisition.name = random", "network.backbone = resnet50.tv_in1k"} < set(lines)
    assert "dataset.train_images" not in keys


def test_show_says_where_each_value_is_from(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "demo", "--show", "method=alc,random", "training=frozen", "budget=9"]) == 0
    text = capsys.readouterr().out
    shown = list(yaml.safe_load_all(text))
    configs = load_config("demo", ["method=alc,random", "training=frozen", "budget=9"])
    assert shown == [config.model_dump(mode="json") for config in configs]
    sources = dict(line.strip().split("  # ") for line in text.split("---")[0].splitlines() if "  # " in line)
    assert sources["budget: 9"] == "command line"
    assert sources["method: alc"] == "command line"
    assert sources["optimizer: adamw"] == "training/frozen.yaml"
    assert sources["deterministic: false"] == "default"
    assert sources["inner_batch: null"] == "default"
    assert "methods/alc.yaml" in sources.values()
    assert "fidelity/corrected.yaml" in sources.values()
    assert "demo.yaml" in sources.values()


def mean_iou(root: Path) -> float:
    """Of the pseudo-labels of a folder of three classes, counted plainly; pixels without a label do not count."""
    files = sorted((root / "ground_truth").iterdir())
    truth = np.stack([np.asarray(Image.open(path)) for path in files])
    labels = np.stack([np.asarray(Image.open(root / "pseudo_labels/labels" / path.name)) for path in files])
    both = [((labels == index) & (truth == index)).sum() for index in range(3)]
    either = [(((labels == index) | (truth == index)) & (labels != 255)).sum() for index in range(3)]
    return float(np.mean(np.divide(both, either)))


def test_evaluate_a_label_set(tmp_path: Path, classes: ClassSet, capsys: pytest.CaptureFixture[str]) -> None:
    root = make_folder(tmp_path, classes, images=3)
    arguments = ["evaluate", "--labels", f"{root}/pseudo_labels", "--ground-truth", f"{root}/ground_truth"]
    assert main([*arguments, "--classes", f"{root}/classes.yaml"]) == 0
    lines = dict(line.rsplit(maxsplit=1) for line in capsys.readouterr().out.splitlines() if line.strip())
    assert lines["images"] == "3"
    assert lines["masks"] == "12"
    assert lines["data mIoU"] == f"{100 * mean_iou(root):.2f}%"
    assert main(arguments) == 2
    assert "--classes is missing" in capsys.readouterr().err


def test_evaluate_plain_pngs_and_what_predict_wrote(
    tmp_path: Path, classes: ClassSet, capsys: pytest.CaptureFixture[str]
) -> None:
    root = make_folder(tmp_path, classes, images=3)
    predicted = tmp_path / "predicted"
    (predicted / "overlays").mkdir(parents=True)
    shutil.copytree(root / "pseudo_labels/labels", predicted / "labels")
    plain = ["evaluate", "--labels", f"{predicted}/labels", "--classes", f"{root}/classes.yaml"]
    shutil.copy(root / "classes.yaml", predicted)
    for arguments in (plain, ["evaluate", "--labels", str(predicted)]):
        assert main([*arguments, "--ground-truth", f"{root}/ground_truth"]) == 0
        assert f"{100 * mean_iou(root):.2f}%" in capsys.readouterr().out


def test_a_report_of_nothing_draws_no_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["report", "demo"]) == 2
    assert "no round of demo is finished" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_evaluate_all_of_pascal(shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    voc = shared / "pascal_full_labels"
    arguments = ["evaluate", "--labels", f"{voc}/grounded_sam/0.2", "--ground-truth", f"{voc}/SegmentationClass"]
    assert main([*arguments, "--ids", f"{voc}/train.txt", "--classes", "pascal"]) == 0
    lines = dict(line.rsplit(maxsplit=1) for line in capsys.readouterr().out.splitlines() if line.strip())
    assert (lines["images"], lines["masks"], lines["data mIoU"]) == ("1,464", "11,257", "55.07%")
