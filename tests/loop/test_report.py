"""Reports of unfinished runs, and of run folders that an earlier version wrote."""

from __future__ import annotations

from pathlib import Path

from a2lc.classes import ClassSet
from a2lc.cli import main
from a2lc.foundation.files import write_json
from a2lc.reporting import read_seed_csv
from tests.support.tiny import tiny_arguments, tiny_data


def test_metrics_of_an_earlier_version_are_reported_under_the_present_names(tmp_path: Path, classes: ClassSet) -> None:
    former = {"lcm_changes": 7, "lcm_precision": 0.75, "lcm_right_before": 0.25}
    present = {"propagated_changes": 8, "propagated_precision": 0.5, "propagated_right_before": 0.125}
    seed = tmp_path / "out/runs/folder/seed1"
    write_json(seed / "round_0/metrics.json", {"round": 0, "clicks": 0, "data_miou": 0.5})
    write_json(seed / "random/round_1/metrics.json", {"round": 1, "clicks": 4, **former})
    write_json(seed / "random/round_2/metrics.json", {"round": 2, "clicks": 8, **present})

    settings = tiny_arguments(tiny_data(tmp_path / "data", classes), tmp_path / "out", "method=random", "seeds=1")
    assert main(["report", *settings]) == 0

    results = tmp_path / "out/results/folder"
    _, first, second = read_seed_csv(results / "seed1.csv")
    assert [first[name] for name in present] == list(former.values())
    assert [second[name] for name in present] == list(present.values())
    assert "lcm_" not in (results / "seed1.csv").read_text()
    assert "| random | 1 | 4 | – | – | 7.0 | 75.00 | 25.00 |" in (results / "summary.md").read_text()


def test_the_summary_of_an_unfinished_run_says_so_on_top(tmp_path: Path, classes: ClassSet) -> None:
    data = tiny_data(tmp_path / "data", classes)
    settings = tiny_arguments(data, tmp_path / "out", "method=random,area", "training.iterations=0", "budget=2")
    summary = tmp_path / "out/results/folder/summary.md"
    assert main(["run", *settings, "rounds=1"]) == 0
    assert "nfinished" not in summary.read_text()

    assert main(["report", *settings, "rounds=2", "seeds=1,2"]) == 0
    title, top, first, *_ = summary.read_text().split("\n\n")
    assert title == "# folder"
    assert "4 of the 12 rounds" in top
    assert "- seed 1, random: 2 of 3; next: score, round 2" in first
    assert "- seed 2, area: 0 of 3; next: train, round 0" in first
    go_on = summary.read_text().split("Go on with `a2lc ")[1].split("`")[0].split()
    assert main(go_on) == 0
    assert "nfinished" not in summary.read_text()
