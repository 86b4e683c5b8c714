"""The papers' numbers: the files hold sane ones, and they stand beside exactly the experiments that are the papers'."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from a2lc.foundation.files import write_json
from a2lc.loop.config import load_config
from a2lc.loop.published import published_for, read_published
from a2lc.loop.report import report
from a2lc.loop.run import Run
from a2lc.reporting import Published

PRESETS = ("pascal", "cityscapes")
THREE_SEEDS = "A²LC paper, 3 seeds"


def found(preset: str, *settings: str) -> dict[str, Published]:
    """The entries of an experiment by the label of their row."""
    (config,) = load_config(preset, settings)
    return {entry.label: entry for entry in published_for(config)}


def test_there_is_a_file_per_preset_of_the_papers() -> None:
    folder = Path(__file__).parents[2] / "DeepLabV3Plus_Pytorch" / "a2lc" / "configs" / "published"
    assert {path.stem for path in folder.iterdir()} == set(PRESETS)


@pytest.mark.parametrize("preset", PRESETS)
def test_every_entry_is_sane_and_belongs_to_its_own_experiment(preset: str) -> None:
    entries = read_published(preset)
    assert len({(entry.label, *entry.settings) for entry in entries}) == len(entries)
    for entry in entries:
        (config,) = load_config(preset, entry.settings)
        for percent in (entry.data_miou, entry.model_miou_best):
            assert percent
            assert all(type(index) is int and 0 <= index <= config.rounds for index in percent)
            assert all(0 < value < 100 for value in percent.values())
        assert entry in published_for(config)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("method", ["a2lc", "alc"])
def test_the_untouched_preset_is_the_papers(preset: str, method: str) -> None:
    entry = found(preset, f"method={method}")[f"{method} ({THREE_SEEDS})"]
    assert sorted(entry.data_miou) == sorted(entry.model_miou_best) == [0, 1, 2, 3, 4, 5]


def test_numbers_of_the_last_round() -> None:
    last = {
        (preset, method): (entry.data_miou[5], entry.model_miou_best[5])
        for preset in PRESETS
        for method in ("a2lc", "alc")
        for entry in [found(preset, f"method={method}")[f"{method} ({THREE_SEEDS})"]]
    }
    assert last == {
        ("pascal", "a2lc"): (88.08, 68.42),
        ("pascal", "alc"): (77.06, 65.48),
        ("cityscapes", "a2lc"): (85.26, 70.51),
        ("cityscapes", "alc"): (67.01, 58.59),
    }


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize(
    "setting",
    [
        "experiment=mine", "output=elsewhere", "dataset.root=/data", "pseudo_labels=/masks",
        "network.backbone_weights=resnet101.pth", "seeds=7", "device=cuda:1", "deterministic=true",
        "training.workers=0", "training.save_every=9", "training.mixed_precision=true",
    ],
)  # fmt: skip
def test_where_and_how_fast_it_runs_is_no_other_experiment(preset: str, setting: str) -> None:
    assert found(preset, "method=a2lc", setting) == found(preset, "method=a2lc") != {}


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize(
    "setting",
    [
        "training.iterations=100", "fidelity=corrected", "training.padding=void", "training.crop_size=321",
        "budget=100", "inner_batch=10", "checkpoint=last", "network.backbone=resnet50",
        "network.backbone_weights=none", "acquisition=area", "annotator=answers", "propagation.threshold=0.5",
        "method=random",
    ],
)  # fmt: skip
def test_one_changed_key_is_another_experiment(preset: str, setting: str) -> None:
    assert found(preset, *(() if "method" in setting else ("method=a2lc",)), setting) == {}


def test_more_rounds_and_other_data_are_another_experiment() -> None:
    assert found("pascal", "method=a2lc", "rounds=6") == {}
    assert [published_for(config) for config in load_config("demo")] == [(), (), ()]


@pytest.mark.parametrize("preset", PRESETS)
def test_fewer_rounds_have_fewer_numbers(preset: str) -> None:
    whole = found(preset, "method=a2lc")[f"a2lc ({THREE_SEEDS})"]
    ((label, entry),) = found(preset, "method=a2lc", "rounds=2").items()  # those that report round 5 alone are not here
    assert label == whole.label
    assert entry.data_miou == {index: whole.data_miou[index] for index in range(3)}
    assert entry.model_miou_best == {index: whole.model_miou_best[index] for index in range(3)}


def test_one_round_of_alc() -> None:
    ((label, entry),) = found("pascal", "method=alc", "rounds=1", "budget=5000").items()
    assert (label, entry.data_miou, entry.model_miou_best) == (
        "alc (ALC paper, 3 trials)", {0: 55.32, 1: 83.04}, {0: 59.04, 1: 68.72},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "data_miou", "model_miou"),
    [
        (("acquisition=sim", "propagation=none", "annotator.rule=representative"), 66.86, 58.59),
        (("acquisition=sim", "annotator.rule=representative"), 80.59, 66.94),
        (("propagation=none", "annotator.rule=representative"), 81.58, 67.75),
        (("annotator.rule=representative",), 84.15, 70.11),
    ],
)
def test_the_ablation(settings: tuple[str, ...], data_miou: float, model_miou: float) -> None:
    (entry,) = found("cityscapes", "method=a2lc", "experiment=ablation", *settings).values()
    assert (entry.data_miou, entry.model_miou_best) == ({5: data_miou}, {5: model_miou})


def test_the_report_of_a_run_shows_them_in_the_rounds_that_are_finished(tmp_path: Path) -> None:
    (config,) = load_config("pascal", ["method=a2lc", "seeds=1", f"output={tmp_path}"])
    nothing: Any = None  # a report opens neither data nor pseudo-labels
    run = Run(config, 1, nothing, nothing, torch.device("cpu"))
    for index in (0, 1):
        numbers = {"round": index, "clicks": 1000 * index, "data_miou": 0.6, "model_miou_best": 0.5}
        write_json(run.round_folder(index) / "metrics.json", numbers)
    text = (report([run], "a2lc run pascal") / "summary.md").read_text(encoding="utf-8")
    assert "| a2lc | 60.00 ± – | 60.00 ± – |\n| a2lc (A²LC paper, 3 seeds) | 58.63 | 67.49 |\n" in text
    assert "| a2lc | 50.00 ± – | 50.00 ± – |\n| a2lc (A²LC paper, 3 seeds) | 56.94 | 60.87 |\n" in text
