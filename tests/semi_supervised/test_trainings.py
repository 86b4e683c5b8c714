"""Both settings from one command, on drawn data: tables, resuming, and what is refused."""

from __future__ import annotations

import csv
import signal
from pathlib import Path

import pytest
from safetensors.torch import load_file

from a2lc.cli import main
from a2lc.foundation.files import read_json
from a2lc.segmentation import OBJECTIVES
from tests.support import toy_objective
from tests.support.killing import Kill, run
from tests.support.training_case import same

TINY = (
    "seeds=1",
    "device=cpu",
    "network.aspp_channels=16",
    "training.iterations=6",
    "training.batch_size=2",
    "training.crop_size=32",
    "training.validate_every=3",
    "training.save_every=2",
)
SIZE = ("height=32", "width=48", "train_images=6", "val_images=2")
pytestmark = pytest.mark.xdist_group("semi_supervised")  # the drawn scenes are shared


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scenes")


def semi_supervised(scenes: Path, output: Path, *settings: str) -> list[str]:
    drawn = [f"dataset.{key}" for key in (f"root={scenes}/day", *SIZE)]
    return ["run", "ssl-toyscapes", *drawn, f"output={output}", *TINY, "split=1/3", *settings]


def adaptation(scenes: Path, output: Path, *settings: str) -> list[str]:
    drawn = [f"dataset.{key}" for key in (f"root={scenes}/night", *SIZE)]
    drawn += [f"source.{key}" for key in (f"root={scenes}/day", *SIZE)]
    return ["run", "uda-toyscapes", *drawn, f"output={output}", *TINY, *settings]


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_semi_supervised_ends_in_one_table_over_methods_and_splits(scenes: Path, tmp_path: Path) -> None:
    splits = "split=1/3,1/2"
    published = "published=[{source: Paper, method: Theirs, network: Net, backbone: test_resnet, miou: {1/3: 71.25}}]"
    assert main(semi_supervised(scenes, tmp_path, "method=supervised,fixmatch", splits, published)) == 0
    results = tmp_path / "results/ssl-toyscapes"
    found = rows(results / "seed1.csv")
    assert {(row["method"].split(",")[0], row["split"]) for row in found} == {
        (method, split) for method in ("supervised", "fixmatch") for split in ("1/3", "1/2")
    }
    assert {(row["labelled"], row["unlabelled"]) for row in found} == {("2", "4"), ("3", "3")}
    summary = (results / "summary.md").read_text()
    assert "- 1/3: 2 labelled (drawn by the seed) and 4 unlabelled images, 6 iterations" in summary
    assert "| Theirs (Paper) | cross_entropy | Net | – | 71.2 | – |" in summary
    best = 100 * float(
        next(row for row in found if row["method"].startswith("fixmatch") and row["split"] == "1/3")["model_miou_best"]
    )
    assert f"| fixmatch | cross_entropy | test_resnet | 32 | {best:.2f} ± – |" in summary
    before = (results / "summary.md").read_bytes()
    assert main(semi_supervised(scenes, tmp_path, "method=supervised,fixmatch", splits, published)) == 0
    assert (results / "summary.md").read_bytes() == before, "what is done is not done again"


def test_another_objective_and_another_command_add_to_the_table(scenes: Path, tmp_path: Path) -> None:
    assert OBJECTIVES["toy"] is toy_objective.make_toy
    assert main(semi_supervised(scenes, tmp_path, "method=fixmatch")) == 0
    assert main(semi_supervised(scenes, tmp_path, "method=unimatch", "training.objective=toy")) == 0
    summary = (tmp_path / "results/ssl-toyscapes/summary.md").read_text()
    assert "| fixmatch | cross_entropy |" in summary
    assert "| unimatch | toy |" in summary


def test_other_settings_in_the_same_folder_are_refused(
    scenes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(semi_supervised(scenes, tmp_path, "method=fixmatch")) == 0
    capsys.readouterr()
    assert main(semi_supervised(scenes, tmp_path, "method=fixmatch", "consistency.threshold=0.5")) == 2
    assert "consistency.threshold: 0.7 -> 0.5" in capsys.readouterr().err


@pytest.mark.parametrize("method", ["supervised", "dacs"])
def test_adaptation_learns_from_day_and_is_measured_by_night(scenes: Path, tmp_path: Path, method: str) -> None:
    night = ("size=[24,36]", "source_size=[28,40]", "evaluated=road,car")
    assert main(adaptation(scenes, tmp_path, f"method={method}", *night)) == 0
    (row,) = rows(tmp_path / "results/uda-toyscapes/seed1.csv")
    assert (row["labelled"], row["unlabelled"], row["labelled_from"]) == ("6", "6", "all images of the source")
    (path,) = (tmp_path / "runs/uda-toyscapes/seed1").glob("*/metrics.json")
    metrics = read_json(path)
    present = [metrics["class_iou"][name] for name in ("road", "car") if metrics["class_iou"][name] is not None]
    assert metrics["model_miou_last"] == pytest.approx(sum(present) / len(present))


def test_epochs_count_the_unlabelled_images(scenes: Path, tmp_path: Path) -> None:
    assert main(semi_supervised(scenes, tmp_path, "method=fixmatch", "epochs=3")) == 0
    (row,) = rows(tmp_path / "results/ssl-toyscapes/seed1.csv")
    assert row["iterations"] == "6", "3 epochs of 4 images in batches of 2"


@pytest.mark.slow
@pytest.mark.parametrize("command", [semi_supervised, adaptation])
def test_killed_trainings_end_with_the_same_weights(scenes: Path, tmp_path: Path, command) -> None:
    method = "method=unimatch" if command is semi_supervised else "method=dacs"
    settings = (method, "consistency.ema_decay=0.9")
    assert run(command(scenes, tmp_path / "alone", *settings)) == 0
    for calls in (1, 2):
        killed = command(scenes, tmp_path / "killed", *settings)
        assert run(killed, Kill("train", calls)) == -signal.SIGKILL
    assert run(command(scenes, tmp_path / "killed", *settings)) == 0
    for name in ("best", "last"):
        (alone,), (after,) = (
            (tmp_path / which / "runs").glob(f"*/*/*/{name}.safetensors") for which in ("alone", "killed")
        )
        assert same(load_file(alone), load_file(after)), name
    tables = [(tmp_path / which / "results").glob("*/seed1.csv") for which in ("alone", "killed")]
    first, second = (rows(path) for (path,) in tables)
    assert [{k: v for k, v in row.items() if k != "seconds"} for row in first] == [
        {k: v for k, v in row.items() if k != "seconds"} for row in second
    ]
    assert not list((tmp_path / "killed").rglob("training.pt"))
