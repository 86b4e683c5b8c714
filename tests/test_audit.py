"""Auditing: folds, masks, scores by brute force; whole audits of tiny data, resumed, refused, and continued from."""

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
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from a2lc.annotators import read_queue
from a2lc.audit import AuditSettings
from a2lc.audit.evidence import mask_evidence
from a2lc.audit.folds import assign_folds, unseen_classes
from a2lc.audit.masks import find_masks
from a2lc.audit.reasons import reason
from a2lc.audit.scores import calibrated_votes, candidates, judge, pooled_votes
from a2lc.classes import ClassSet, parse_classes
from a2lc.cli import main
from a2lc.errors import InputError
from a2lc.images import read_index_map, write_image, write_label_map
from a2lc.labels.store import open_pseudo_labels
from a2lc.mask_table import read_mask_table
from conftest import make_folder
from tiny import SETTINGS

KEYS = [key for key in SETTINGS if not key.startswith(("training.iterations", "propagation."))]


def audit_arguments(data: Path, target: Path, *more: str, iterations: int = 6) -> list[str]:
    settings = [f"dataset.root={data}", f"training.iterations={iterations}", "budget=3", *KEYS]
    return ["audit", "folder", *settings, "--to", str(target), "--folds", "2", "--min-pixels", "20", *more]


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def colored_folder(root: Path, classes: ClassSet, images: int = 10) -> None:
    """Two boxes in each image, one red (class 1) and one blue (class 2), on grey ground."""
    for index in range(images):
        rng = np.random.default_rng(index)
        image, labels = np.full((48, 64, 3), 110, dtype=np.uint8), np.zeros((48, 64), dtype=np.uint8)
        for kind, column in ((1, 4), (2, 36)):
            row, shift = rng.integers(2, 20), rng.integers(0, 5)
            region = np.s_[row : row + 24, column + shift : column + shift + 20]
            labels[region], image[region] = kind, (220, 40, 40) if kind == 1 else (40, 40, 220)
        write_image(root / "images" / f"image{index:02d}.png", image)
        write_label_map(root / "ground_truth" / f"image{index:02d}.png", labels, classes.palette())
    classes.write(root / "classes.yaml")


@pytest.fixture(scope="module")
def things() -> ClassSet:
    """Two classes of things and background."""
    return parse_classes({"classes": ["background", "red box", "blue <box>"], "unmasked": "background"}, "things")


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
    assert worst["wrong"] == "True"
    assert worst["why"].startswith("The network, which did not see this image, ")
    assert [int(row["rank"]) for row in rows] == list(range(1, 21))
    scores = [float(row["score"]) for row in rows]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > 0.5 > scores[1]
    images = read_rows(audited / "audit" / "images.csv")
    assert images[0]["image_id"] == "image03"
    assert [image["wrong_masks"] for image in images].count("0") == 9
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
        if tag not in ("meta", "link", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_report_needs_nothing_but_itself(audited: Path) -> None:
    text = (audited / "audit" / "report.html").read_text(encoding="utf-8")
    page = Page()
    page.feed(text)
    assert page.open == []
    assert len([tag for tag, _ in page.tags if tag == "article"]) == 20
    assert not [tag for tag, _ in page.tags if tag in ("script", "iframe", "object")]
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


# ---- wrong use


def refusal(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> str:
    assert main(arguments) == 2
    return capsys.readouterr().err


def test_images_without_labels(tmp_path: Path, classes: ClassSet, capsys: pytest.CaptureFixture[str]) -> None:
    data = make_folder(tmp_path / "data", classes, images=3, truth=False)
    assert "--labels" in refusal(capsys, audit_arguments(data, tmp_path / "audit"))
    folder = tmp_path / "labels"
    write_label_map(folder / "image00.png", np.zeros((48, 56), dtype=np.uint8), classes.palette())
    said = refusal(capsys, audit_arguments(data, tmp_path / "audit", "--labels", str(folder)))
    assert "'image01'" in said
    assert "'image02'" in said
    assert "'image00'" not in said
    assert not (tmp_path / "audit").exists()


def test_labels_without_images(tmp_path: Path, classes: ClassSet, capsys: pytest.CaptureFixture[str]) -> None:
    data = make_folder(tmp_path / "data", classes, images=3)
    write_label_map(data / "ground_truth" / "lost.png", np.zeros((48, 56), dtype=np.uint8), classes.palette())
    said = refusal(capsys, audit_arguments(data, tmp_path / "audit"))
    assert "'lost' has a label map but no image" in said


def test_sizes_that_differ_and_unknown_classes(
    tmp_path: Path, classes: ClassSet, capsys: pytest.CaptureFixture[str]
) -> None:
    data = make_folder(tmp_path / "data", classes, images=3)
    write_label_map(data / "ground_truth" / "image00.png", np.zeros((8, 9), dtype=np.uint8), classes.palette())
    write_label_map(data / "ground_truth" / "image01.png", np.full((48, 56), 9, dtype=np.uint8), classes.palette())
    said = refusal(capsys, audit_arguments(data, tmp_path / "audit"))
    assert "'image00': its image is 48x56 but its label map 8x9" in said
    assert "'image01'" in said
    assert "has class index 9" in said


def test_too_few_images_and_bad_options(tmp_path: Path, classes: ClassSet, capsys: pytest.CaptureFixture[str]) -> None:
    data = make_folder(tmp_path / "data", classes, images=3)
    assert "set --folds 3" in refusal(capsys, audit_arguments(data, tmp_path / "audit", "--folds", "4"))
    assert "folds" in refusal(capsys, audit_arguments(data, tmp_path / "audit", "--folds", "1"))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "holiday.txt").touch()
    assert "is not empty" in refusal(capsys, audit_arguments(data, tmp_path / "full"))
    assert "not finished" in refusal(capsys, audit_arguments(data, tmp_path / "audit", "--answers", "queue.csv"))


def test_changed_labels_are_noticed(tmp_path: Path, classes: ClassSet, capsys: pytest.CaptureFixture[str]) -> None:
    data = make_folder(tmp_path / "data", classes, images=3)
    assert main(audit_arguments(data, tmp_path / "audit", iterations=1)) == 0
    write_label_map(data / "ground_truth" / "image00.png", np.ones((48, 56), dtype=np.uint8), classes.palette())
    said = refusal(capsys, audit_arguments(data, tmp_path / "audit", iterations=1))
    assert "the labels or the list of images have changed" in said


def test_class_in_fewer_images_than_folds(
    tmp_path: Path, things: ClassSet, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    colored_folder(tmp_path / "data", things, images=3)
    for index in (0, 1):
        path = tmp_path / "data" / "ground_truth" / f"image{index:02d}.png"
        labels = read_index_map(path).astype(np.uint8)
        write_label_map(path, np.where(labels == 2, 1, labels).astype(np.uint8), things.palette())
    assert main(audit_arguments(tmp_path / "data", tmp_path / "audit", "--folds", "3", iterations=1)) == 0
    warning = "class blue <box> occurs in 1 image of a single fold"
    assert warning in caplog.text
    assert "Class blue &lt;box&gt; occurs in 1 image" in (tmp_path / "audit" / "report.html").read_text()
    rows = {row["given"]: row for row in read_rows(tmp_path / "audit" / "masks.csv")}
    assert rows["blue <box>"]["unseen_class"] == "True"
    assert rows["red box"]["unseen_class"] == "False"


# ---- folds


@given(
    st.lists(st.frozensets(st.integers(0, 5)), min_size=2, max_size=30),
    st.integers(2, 6),
    st.integers(0, 3),
)
def test_folds_share_out_images_and_classes(classes: list[frozenset[int]], folds: int, seed: int) -> None:
    classes_of = {f"image{index}": of_image for index, of_image in enumerate(classes)}
    if len(classes_of) < folds:
        with pytest.raises(InputError, match=f"there are {len(classes_of)}"):
            assign_folds(classes_of, folds, seed)
        return
    fold_of = assign_folds(classes_of, folds, seed)
    assert list(fold_of) == list(classes_of)
    assert set(fold_of.values()) == set(range(folds))
    alone = {
        (fold_of[image_id], k)
        for image_id, of_image in classes_of.items()
        for k in of_image
        if not any(k in classes_of[other] and fold_of[other] != fold_of[image_id] for other in classes_of)
    }
    assert unseen_classes(classes_of, fold_of) == alone


def test_a_class_in_few_images_is_spread_over_the_folds() -> None:
    classes_of = {f"image{index:02d}": frozenset({0, 7} if index < 3 else {0}) for index in range(20)}
    fold_of = assign_folds(classes_of, 4, seed=1)
    assert len({fold_of[f"image{index:02d}"] for index in range(3)}) == 3
    assert sorted(list(fold_of.values()).count(fold) for fold in range(4)) == [5, 5, 5, 5]
    assert fold_of != assign_folds(classes_of, 4, seed=2)


# ---- masks


def test_components_by_hand(things: ClassSet) -> None:
    labels = np.array(
        [
            [1, 1, 0, 2, 2],
            [1, 0, 0, 2, 255],
            [0, 1, 0, 0, 2],
            [0, 0, 0, 0, 0],
            [2, 2, 2, 2, 1],
        ],
        dtype=np.uint8,
    )
    image = np.zeros((5, 5, 3), dtype=np.uint8)
    masks = find_masks(image, labels, things, AuditSettings(min_pixels=3))
    assert masks.tolist() == [  # corners connect; the 1 at the lower right is too small
        [1, 1, 0, 2, 2],
        [1, 0, 0, 2, 0],
        [0, 1, 0, 0, 2],
        [0, 0, 0, 0, 0],
        [3, 3, 3, 3, 0],
    ]
    with_background = find_masks(image, labels, things, AuditSettings(min_pixels=1, background=True))
    assert (with_background == 0).sum() == 1


@given(st.integers(0, 1000), st.booleans())
def test_superpixels_lie_within_components(seed: int, background: bool) -> None:
    rng = np.random.default_rng(seed)
    things = parse_classes({"classes": ["background", "a", "b"], "unmasked": "background"}, "things")
    image = rng.integers(0, 256, (24, 32, 3), dtype=np.uint8)
    labels = np.kron(rng.choice([0, 1, 2, 255], (3, 4)), np.ones((8, 8))).astype(np.uint8)
    settings = AuditSettings(masks="superpixels", superpixels=12, min_pixels=5, background=background)
    masks = find_masks(image, labels, things, settings)
    components = find_masks(image, labels, things, AuditSettings(min_pixels=1, background=background))
    for mask in range(1, int(masks.max()) + 1):
        inside = masks == mask
        assert inside.sum() >= 5
        assert len(np.unique(components[inside])) == 1
        assert components[inside][0] > 0


# ---- evidence and scores


@given(st.integers(0, 10_000))
def test_evidence_and_scores_by_brute_force(seed: int) -> None:
    rng = np.random.default_rng(seed)
    height, width, classes, void = 5, 6, 4, 255
    logits = 4 * rng.normal(size=(classes, height, width))
    probabilities = (np.exp(logits) / np.exp(logits).sum(axis=0)).astype(np.float32)
    masks = rng.integers(0, 4, (height, width))
    kinds = rng.integers(0, 3, 4)
    labels, issues = kinds[masks].astype(np.uint8), rng.random((height, width)) < 0.3
    found = mask_evidence(torch.from_numpy(probabilities), labels, masks, issues, void)
    present = [mask for mask in range(1, 4) if (masks == mask).any()]
    assert found.mask_id.tolist() == present
    suspicion = judge(found, np.zeros(len(found), dtype=np.int64), None)
    competing = sorted({int(kinds[mask]) for mask in present})
    for row, mask in enumerate(present):
        points, votes, softmin, weights = np.argwhere(masks == mask), np.zeros(classes), 0.0, 0.0
        y, taken = int(kinds[mask]), np.zeros(classes)
        for r, c in points:
            p = probabilities[:, r, c].astype(float)
            votes += np.log(np.maximum(p, 1e-6)) / len(points)
            taken[p.argmax()] += 1 / len(points)
            weight = np.exp((1 - p[y]) / 0.1)
            softmin, weights = softmin + weight * p[y], weights + weight
        shares = {k: np.exp(votes[k]) for k in competing}
        np.testing.assert_allclose(found.share[row], taken, atol=1e-9)
        assert suspicion.scores["pooled"][row] == pytest.approx(1 - shares[y] / sum(shares.values()), abs=1e-5)
        assert suspicion.scores["softmin"][row] == pytest.approx(1 - softmin / weights, abs=1e-5)
        mean = np.mean([probabilities[y, r, c] for r, c in points])
        assert suspicion.scores["lcil"][row] == pytest.approx(1 - mean, abs=1e-5)
        assert suspicion.scores["issues"][row] == pytest.approx(np.mean([issues[r, c] for r, c in points]))
        # a single fold: no other masks to learn from
        assert suspicion.predicted[row] == max(shares, key=lambda k: (shares[k], -k))
        assert suspicion.scores["calibrated"][row] == suspicion.scores["pooled"][row]


def test_image_without_masks_has_no_evidence() -> None:
    probabilities = torch.full((3, 2, 2), 1 / 3)
    nothing = np.zeros((2, 2), dtype=np.uint8)
    found = mask_evidence(probabilities, nothing, nothing, nothing > 0, 255)
    assert (len(found), found.share.shape, found.log_probability.shape) == (0, (0, 3), (0, 3))
    assert judge(found, np.zeros(0, dtype=np.int64), None).wrong.shape == (0,)


def test_background_competes_where_there_is_one_class_only() -> None:
    given_classes = np.array([2, 2])
    assert candidates(given_classes, 4, background=0).tolist() == [True, False, True, False]
    assert candidates(np.array([1, 2]), 4, background=0).tolist() == [False, True, True, False]
    votes = pooled_votes(np.log([[0.7, 0.1, 0.2, 0.0001]]), np.array([False, True, True, False]))
    np.testing.assert_allclose(votes, [[0, 1 / 3, 2 / 3, 0]])


def test_calibration_knows_what_the_network_always_mistakes() -> None:
    """Masks of class 2 look like class 1 to the network, only a little less so; class 1 always looks like itself."""
    rng = np.random.default_rng(0)
    given_classes, folds = np.repeat([1, 2], 60), np.tile(np.arange(3), 40)
    certainty = np.where(given_classes == 1, 4.0, 1.0) + 0.2 * rng.normal(size=120)
    logs = np.stack([np.full(120, -9.0), -np.log1p(np.exp(-certainty)), -np.log1p(np.exp(certainty))], axis=1)
    given_classes[60] = 1  # a wrong label: it looks like the others of class 2
    pooled = pooled_votes(logs, candidates(given_classes, 3, None))
    calibrated = calibrated_votes(logs, pooled, given_classes, folds)
    np.testing.assert_allclose(calibrated.sum(axis=1), 1)
    rows = np.arange(120)
    assert (1 - calibrated[rows, given_classes]).argmax() == 60
    assert (1 - pooled[rows, given_classes])[60] < 0.5 < (1 - pooled[rows, given_classes])[61:].min()
    only = calibrated_votes(logs[:2], pooled[:2], np.array([1, 2]), np.array([0, 1]))
    np.testing.assert_array_equal(only, pooled[:2])  # one class in the other fold: nothing to learn


def test_reasons(things: ClassSet) -> None:
    def say(given: int, predicted: int, share: list[float], unseen: bool = False) -> str:
        return reason(given, predicted, np.array(share), unseen, things)

    start = "The network, which did not see this image, takes"
    assert say(1, 2, [0.1, 0.07, 0.83]) == f"{start} 83% of its pixels for blue <box> and 7% for red box."
    assert say(1, 2, [0.17, 0, 0.83]) == f"{start} 83% of its pixels for blue <box> and none for red box."
    assert say(1, 1, [0.1, 0.6, 0.3]) == f"{start} 60% of its pixels for red box, too."
    assert say(1, 1, [0.9, 0, 0.1]) == f"{start} 90% of its pixels for background, as usual for red box."
    assert say(1, 2, [0.7, 0.1, 0.2]).endswith("for background, but blue <box> (20%) is likelier than red box.")
    assert say(1, 2, [1, 0, 0]).endswith("for background, as it does with blue <box> rather than with red box.")
    assert say(1, 2, [0.1, 0.5, 0.4]).endswith("for red box, but less clearly than usual: blue <box> is likelier.")
    assert say(1, 2, [0, 0, 1], unseen=True).startswith("No network that could judge it has seen red box")


def test_audit_of_a_pseudo_label_set_with_superpixels(tmp_path: Path, classes: ClassSet) -> None:
    data = make_folder(tmp_path / "data", classes, images=4, truth=False)
    more = ("--labels", str(data / "pseudo_labels"), "--masks", "superpixels", "--superpixels", "20")
    assert main(audit_arguments(data, tmp_path / "audit", *more, iterations=1)) == 0
    rows = read_rows(tmp_path / "audit" / "masks.csv")
    assert min(int(row["pixels"]) for row in rows) >= 20
    assert Image.open(tmp_path / "audit" / "pseudo_labels" / "masks" / "image00.png").mode == "I;16"
