"""Whole audits of tiny data: ranked, reported, killed, continued, and handed over to the loop."""

from __future__ import annotations

import csv
import re
import shlex
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from a2lc.acquisition.table import read_mask_table
from a2lc.annotators import read_queue
from a2lc.classes import ClassSet
from a2lc.cli import main
from a2lc.foundation.images import read_index_map, write_label_map
from a2lc.labels.store import open_pseudo_labels
from tests.support.audit_case import audit_arguments, colored_folder, read_rows, two_things
from tests.support.folders import make_folder

pytestmark = pytest.mark.xdist_group("audit")  # what they share takes long to make


@pytest.fixture(scope="module")
def things() -> ClassSet:
    """Two classes of things and background."""
    return two_things()


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory, things: ClassSet) -> Path:
    """A finished audit of an easy data set, in which one box has the other's class, beside its data."""
    root = tmp_path_factory.mktemp("audited")
    colored_folder(root / "data", things)
    path = root / "data" / "ground_truth" / "image03.png"
    labels = read_index_map(path).astype(np.uint8)
    write_label_map(path, np.where(labels == 1, 2, labels).astype(np.uint8), things.palette())
    more = ("training.scale=null", "training.learning_rate=0.05", "training.backbone_learning_rate_factor=1")
    more += ("network.backbone_batchnorm_momentum=0.1", "network.dropout=0")
    assert main(audit_arguments(root / "data", root / "audit", *more, iterations=40)) == 0
    return root


# ---- a whole audit


def test_injected_error_ranks_first(audited: Path) -> None:
    rows = read_rows(audited / "audit" / "masks.csv")
    assert len(rows) == 20
    worst = rows[0]
    assert (worst["image_id"], worst["given"], worst["predicted"]) == ("image03", "blue <box>", "red box")
    assert worst["suspicious"] == "True"
    assert worst["why"].startswith("The network, which did not see this image, ")
    assert [int(row["rank"]) for row in rows] == list(range(1, 21))
    scores = [float(row["score"]) for row in rows]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > 0.5 > scores[1]
    images = read_rows(audited / "audit" / "images.csv")
    assert images[0]["image_id"] == "image03"
    assert [image["suspicious_masks"] for image in images].count("0") == 9
    pairs = read_rows(audited / "audit" / "class_pairs.csv")
    assert {"given": "blue <box>", "predicted": "red box", "masks": "1"}.items() <= pairs[0].items()


def test_parquet_holds_what_the_csv_holds(audited: Path) -> None:
    table = pq.read_table(audited / "audit" / "masks.parquet").to_pylist()
    rows = read_rows(audited / "audit" / "masks.csv")
    for row, other in zip(table, rows, strict=True):
        assert list(row) == list(other)
        assert (row["image_id"], str(row["mask_id"]), row["why"]) == (other["image_id"], other["mask_id"], other["why"])
        assert row["score"] == pytest.approx(float(other["score"]), rel=1e-5)


class Page(HTMLParser):
    """Collects the tags of a page and checks that they are nested."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, Any]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "link", "img", "br", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_report_needs_nothing_but_itself(audited: Path) -> None:
    text = (audited / "audit" / "report.html").read_text(encoding="utf-8")
    page = Page()
    page.feed(text)
    assert page.open == []
    assert len([tag for tag, _ in page.tags if tag == "article"]) == 20
    assert not [tag for tag, _ in page.tags if tag in ("iframe", "object")]
    policy = [attributes["content"] for tag, attributes in page.tags if tag == "meta" and "http-equiv" in attributes]
    assert policy[0].startswith("default-src 'none'")
    for _, attributes in page.tags:
        for name in ("src", "href"):
            assert attributes.get(name, "data:").startswith("data:")
    assert not re.search(r"https?://|file:|url\(|@import", text)
    assert "<box>" not in text
    assert "blue &lt;box&gt;" in text
    assert "prefers-color-scheme: dark" in text


def test_pseudo_labels_are_the_audited_labels(audited: Path) -> None:
    made = open_pseudo_labels(audited / "audit" / "pseudo_labels")
    assert made.image_ids() == [f"image{index:02d}" for index in range(10)]
    for image_id in made.image_ids():
        labels = read_index_map(audited / "data" / "ground_truth" / f"{image_id}.png")
        np.testing.assert_array_equal(made.labels(image_id), labels)
        np.testing.assert_array_equal(made.masks(image_id) > 0, labels > 0)
    table = read_mask_table(audited / "audit" / "mask_table.parquet")
    assert table.keys()[table.select(1, ())[0]][0] == "image03"


def test_finished_audit_is_left_alone_and_refused_with_other_networks(
    audited: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = [line for line in (audited / "audit" / "config.yaml").read_text().splitlines() if "experiment" in line]
    assert settings
    before = {path: path.stat().st_mtime_ns for path in (audited / "audit").glob("*.csv")}
    assert main(audit_arguments(audited / "data", audited / "audit", iterations=41)) == 2
    said = capsys.readouterr().err
    assert "training.iterations: 40 -> 41" in said
    assert "--to" in said
    assert {path: path.stat().st_mtime_ns for path in (audited / "audit").glob("*.csv")} == before


# ---- what comes after


def test_answers_correct_the_labels_and_the_loop_goes_on(
    tmp_path: Path, classes: ClassSet, capsys: pytest.CaptureFixture[str]
) -> None:
    data, target = make_folder(tmp_path / "data", classes, images=6), tmp_path / "audit"
    arguments = audit_arguments(data, target, "propagation=none", "rounds=1", iterations=2)
    assert main(arguments) == 0
    said = capsys.readouterr().out
    assert "--answers" in said
    assert "a2lc run folder" in said
    rows = read_rows(target / "queue.csv")
    ranked = [(row["image_id"], row["mask_id"]) for row in read_rows(target / "masks.csv")]
    assert [(row["image_id"], row["mask_id"]) for row in rows] == ranked[:3]
    assert all((target / row["crop"]).is_file() for row in rows)

    assert main([*arguments, "--answers", str(target / "queue.csv")]) == 3  # nobody has answered yet
    answered = tmp_path / "answered.csv"
    with answered.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows({**row, "answer": "disc"} for row in rows)
    assert main([*arguments, "--answers", str(answered)]) == 0
    before, after = open_pseudo_labels(target / "pseudo_labels"), open_pseudo_labels(target / "corrected")
    for row in read_queue(answered):
        inside = before.masks(row.image_id) == row.mask_id
        assert set(after.labels(row.image_id)[inside].tolist()) == {2}
    assert main([*arguments, "--answers", str(answered)]) == 2  # taken already

    command = re.search(r"a2lc (run folder .*)", said)
    assert command
    assert main(shlex.split(command[1])) == 0
    done = target / "runs" / "folder" / "seed1" / "a2lc" / "round_1" / "metrics.json"
    assert '"clicks": 3' in done.read_text()


def test_filled_rows_are_taken_and_the_rest_waits(
    tmp_path: Path, classes: ClassSet, capsys: pytest.CaptureFixture[str]
) -> None:
    data, target = make_folder(tmp_path / "data", classes, images=6), tmp_path / "audit"
    arguments = audit_arguments(data, target, "propagation=none", iterations=1)
    assert main(arguments) == 0
    rows = read_rows(target / "queue.csv")
    before = open_pseudo_labels(target / "pseudo_labels")
    for answered, code in ((1, 3), (2, 3), (3, 0)):
        filled = tmp_path / f"{answered}.csv"
        with filled.open("w", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(rows[0]))
            writer.writeheader()
            writer.writerows(row | {"answer": "void" if at < answered else ""} for at, row in enumerate(rows))
        assert main([*arguments, "--answers", str(filled)]) == code
        if code == 3:
            assert str(target / "corrected") in capsys.readouterr().err
        after = open_pseudo_labels(target / "corrected")
        for at, row in enumerate(rows):
            inside = before.masks(row["image_id"]) == int(row["mask_id"])
            assert (after.labels(row["image_id"])[inside] == 255).all() == (at < answered)


def test_another_score_keeps_the_networks_and_ranks_anew(tmp_path: Path, classes: ClassSet) -> None:
    data, target = make_folder(tmp_path / "data", classes, images=6), tmp_path / "audit"
    assert main(audit_arguments(data, target, iterations=2)) == 0
    weights = (target / "fold_0" / "last.safetensors").stat().st_mtime_ns
    assert main(audit_arguments(data, target, "--score", "lcil", iterations=2)) == 0
    assert (target / "fold_0" / "last.safetensors").stat().st_mtime_ns == weights
    rows = read_rows(target / "masks.csv")
    assert [row["score"] for row in rows] == [row["lcil"] for row in rows]
    queue = target / "queue.csv"
    queue.write_text(queue.read_text().replace(",,", ",box,", 1))
    assert main(audit_arguments(data, target, "--score", "softmin", iterations=2)) == 2
    assert "box" in queue.read_text()


@pytest.mark.slow
def test_killed_training_of_a_fold_continues(
    tmp_path: Path, classes: ClassSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = make_folder(tmp_path / "data", classes, images=6)
    assert main(audit_arguments(data, tmp_path / "alone")) == 0

    from a2lc.segmentation.descent import Descent

    advance, steps = Descent.advance, []

    def interrupted(self: Descent, *batch: torch.Tensor) -> float:
        steps.append(self.step)
        if len(steps) == 10:  # in the second fold, after its training.pt of iteration 2
            raise KeyboardInterrupt
        return advance(self, *batch)

    monkeypatch.setattr(Descent, "advance", interrupted)
    assert main(audit_arguments(data, tmp_path / "killed")) == 130
    assert (tmp_path / "killed" / "fold_1" / "training.pt").exists()
    assert not (tmp_path / "killed" / "report.html").exists()
    assert main(audit_arguments(data, tmp_path / "killed")) == 0
    assert steps == [*range(6), *range(4), *range(2, 6)]
    for name in ("masks.csv", "images.csv", "class_pairs.csv", "fold_0/last.safetensors", "fold_1/last.safetensors"):
        assert (tmp_path / "alone" / name).read_bytes() == (tmp_path / "killed" / name).read_bytes(), name


def test_audit_of_a_pseudo_label_set_with_superpixels(tmp_path: Path, classes: ClassSet) -> None:
    data = make_folder(tmp_path / "data", classes, images=4, truth=False)
    more = ("--labels", str(data / "pseudo_labels"), "--masks", "superpixels", "--superpixels", "20")
    assert main(audit_arguments(data, tmp_path / "audit", *more, iterations=1)) == 0
    rows = read_rows(tmp_path / "audit" / "masks.csv")
    assert min(int(row["pixels"]) for row in rows) >= 20
    assert Image.open(tmp_path / "audit" / "pseudo_labels" / "masks" / "image00.png").mode == "I;16"
