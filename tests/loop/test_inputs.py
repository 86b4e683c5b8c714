"""A run knows its inputs and what it has finished: what changed behind its back is told before anything is written."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import huggingface_hub
import numpy as np
import pyarrow.parquet as pq
import pytest
import timm
import torch
import yaml
from safetensors.torch import save_file

from a2lc.classes import parse_classes
from a2lc.cli import main
from a2lc.foundation.digests import file_digest
from a2lc.foundation.errors import InputError
from a2lc.foundation.files import read_json, write_json
from a2lc.foundation.images import read_image, read_index_map, write_image, write_mask_map
from a2lc.labels.ledger import Ledger
from a2lc.loop.config import load_config
from a2lc.loop.inputs import verify_inputs
from a2lc.loop.opening import open_runs
from tests.support.tiny import seed_table, tiny_arguments, tiny_data

DATA = Path("data")
OUTPUT = Path("out")
SEED = OUTPUT / "runs/folder/seed1"
LEDGER = SEED / "random/ledger.sqlite"
ROUND = SEED / "random/round_1"
MASKS = DATA / "pseudo_labels/masks"
LABELS = DATA / "pseudo_labels/labels"
VERBS = ("run", "train", "score", "select", "correct", "propagate", "evaluate")


def arguments(*settings: str) -> list[str]:
    return tiny_arguments(DATA, OUTPUT, "method=random", "inner_batch=2", *settings)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with data and one round of a run of two."""
    home = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        tiny_data(DATA, parse_classes({"classes": ["ground", "box", "disc"]}, "test"))
        assert main(["run", *arguments("rounds=1")]) == 0
    return home


@pytest.fixture(autouse=True)
def home(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, in which the tests stand."""
    shutil.copytree(finished, tmp_path / "home")
    monkeypatch.chdir(tmp_path / "home")
    return tmp_path / "home"


def number_masks_anew() -> None:
    for path in MASKS.glob("*.png"):
        masks = read_index_map(path)
        write_mask_map(path, np.where(masks, masks.max() + 1 - masks, 0))


def relabel() -> None:
    shutil.copy(LABELS / "image00.png", LABELS / "image03.png")


def swap_classes() -> None:
    for path in (DATA / "classes.yaml", DATA / "pseudo_labels/manifest.json"):
        text = path.read_text()
        path.write_text(text.replace("box", "?").replace("disc", "box").replace("?", "disc"))


def set_background() -> None:
    content = yaml.safe_load((DATA / "classes.yaml").read_text())
    (DATA / "classes.yaml").write_text(yaml.safe_dump({**content, "unmasked": "background"}))


def replace_image() -> None:
    path = DATA / "images/image02.png"
    write_image(path, 255 - read_image(path))


def add_image() -> None:
    for folder in (DATA / "images", DATA / "ground_truth", MASKS, LABELS):
        shutil.copy(folder / "image00.png", folder / "image08.png")


def remove_image() -> None:
    (DATA / "images/image05.png").unlink()


def reorder() -> None:
    ids = [f"image{index:02d}" for index in range(6)]
    (DATA / "train.txt").write_text("\n".join(reversed(ids)))


def replace_truth() -> None:
    shutil.copy(DATA / "ground_truth/image00.png", DATA / "ground_truth/image04.png")


def remove_validation_image() -> None:
    (DATA / "val.txt").write_text("image07\n")
    (DATA / "train.txt").write_text("".join(f"image{index:02d}\n" for index in range(6)))


def replace_validation_image() -> None:
    shutil.copy(DATA / "images/image00.png", DATA / "images/image06.png")


def replace_validation_truth() -> None:
    shutil.copy(DATA / "ground_truth/image00.png", DATA / "ground_truth/image07.png")


INPUTS = {
    replace_truth: ("ground truth with other content: 1 (image04)",),
    remove_validation_image: ("validation images gone: 1 (image06)",),
    replace_validation_image: ("validation images with other content: 1 (image06)",),
    replace_validation_truth: ("validation ground truth with other content: 1 (image07)",),
    number_masks_anew: ("mask maps", "6 (image00, image01"),
    relabel: ("initial label maps", "1 (image03)"),
    swap_classes: ("the classes were ground, box, disc and are ground, disc, box",),
    set_background: ("pixel under no mask", "background"),
    replace_image: ("images with other content: 1 (image02)",),
    add_image: ("training images added: 1 (image08)",),
    remove_image: ("training images gone: 1 (image05)",),
    reorder: ("another order",),
}


def sql(statement: str) -> Callable[[], None]:
    """Change the ledger."""

    def change() -> None:
        connection = sqlite3.connect(LEDGER)
        with connection:
            connection.executescript(statement)
        connection.close()

    return change


def cut_table() -> None:
    path = ROUND / "mask_table.parquet"
    pq.write_table(pq.read_table(path).slice(3), path)


def change_metrics() -> None:
    write_json(ROUND / "metrics.json", {**read_json(ROUND / "metrics.json"), "clicks": 400})


OUTPUTS = {
    "ledger deleted": (LEDGER.unlink, str(LEDGER)),
    "ledger cut to nothing": (lambda: LEDGER.write_bytes(b""), str(LEDGER)),
    "ledger emptied": (
        sql("delete from decisions; delete from stages; delete from seals; delete from files"),
        str(LEDGER),
    ),
    "decisions deleted": (sql("delete from decisions"), "0 are there"),
    "a decision deleted": (sql("delete from decisions where id = 2"), "2 decisions were recorded and 1 are there"),
    "a decision changed": (sql("update decisions set label_after = 2 - label_after"), "not those that were recorded"),
    "a decision exchanged": (
        sql("update decisions set mask_id = mask_id + 1 where id = 1"),
        "round 1, batch 0, annotate",
    ),
    "a decision added": (
        sql(
            "insert into decisions (round, batch, image_id, mask_id, label_before, label_after, relabelled, queried, "
            "source, time) values (1, 0, 'image00', 1, 0, 1, 1, 1, 'me', '')"
        ),
        "2 decisions were recorded and 3 are there",
    ),
    "a batch lost": (
        sql("delete from stages where batch = 1; delete from decisions where batch = 1"),
        "recorded no more",
    ),
    "mask table cut": (cut_table, str(ROUND / "mask_table.parquet")),
    "metrics deleted": ((ROUND / "metrics.json").unlink, str(ROUND / "metrics.json")),
    "metrics changed": (change_metrics, str(ROUND / "metrics.json")),
    "first metrics deleted": ((SEED / "round_0/metrics.json").unlink, str(SEED / "round_0/metrics.json")),
}


def snapshot() -> dict[Path, tuple[int, str]]:
    """Every file of the outputs with its time and content."""
    paths = [path for path in OUTPUT.rglob("*") if path.is_file() and path.name != ".lock"]
    return {path: (path.stat().st_mtime_ns, file_digest(path)) for path in paths}


def refused(verb: str, capsys: pytest.CaptureFixture[str], *more: str) -> str:
    """What a verb says that ends with exit code 2 and has written nothing."""
    before = snapshot()
    capsys.readouterr()
    assert main([verb, *arguments(), *more]) == 2
    assert snapshot() == before
    return capsys.readouterr().err


@pytest.mark.parametrize("change", INPUTS, ids=lambda change: change.__name__)
def test_other_inputs_are_told(change: Callable[[], None], capsys: pytest.CaptureFixture[str]) -> None:
    change()
    said = refused("run", capsys)
    assert str(SEED) in said
    assert "experiment=<name>" in said
    for words in INPUTS[change]:
        assert words in said


@pytest.mark.parametrize("name", OUTPUTS)
def test_damage_to_what_is_finished_is_told(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    damage, words = OUTPUTS[name]
    damage()
    said = refused("run", capsys)
    assert words in said
    assert "from a copy" in said


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_that_works_on_a_run_looks(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    number_masks_anew()
    assert "mask maps" in refused(verb, capsys)


@pytest.mark.parametrize("change", [number_masks_anew, LEDGER.unlink])
def test_nothing_is_exported(change: Callable[[], None], capsys: pytest.CaptureFixture[str]) -> None:
    change()
    assert str(SEED) in refused("export", capsys, "--to", "corrected")
    assert not Path("corrected").exists()


def test_labels_are_exported_whatever_they_are_measured_by() -> None:
    replace_truth()
    assert main(["export", *arguments(), "--to", "corrected"]) == 0


def test_another_method_of_the_seed_is_refused_before_its_folder_is_begun(capsys: pytest.CaptureFixture[str]) -> None:
    relabel()
    assert "initial label maps" in refused("run", capsys, "method=area")
    assert not (SEED / "area").exists()


def test_the_same_content_with_other_times_goes_on() -> None:
    shutil.copytree(OUTPUT, "untouched")
    for path in DATA.rglob("*.png"):
        os.utime(path, (1_000_000_000, 1_000_000_000))
    assert main(["run", *arguments()]) == 0
    touched = seed_table(OUTPUT)
    assert main(["run", *tiny_arguments(DATA, Path("untouched"), "method=random", "inner_batch=2")]) == 0
    assert touched == seed_table(Path("untouched"))
    assert len(Ledger(LEDGER).queried()) == 8


def test_what_is_removed_as_told_is_made_again() -> None:
    tables = file_digest(ROUND / "mask_table.parquet")
    metrics = read_json(ROUND / "metrics.json")
    cut_table()
    change_metrics()
    for name in ("mask_table.parquet", "DONE"):
        (ROUND / name).unlink()
    assert main(["run", *arguments("rounds=1")]) == 0
    assert file_digest(ROUND / "mask_table.parquet") == tables
    again = read_json(ROUND / "metrics.json")
    assert {k: v for k, v in again.items() if "seconds" not in k} == {
        k: v for k, v in metrics.items() if "seconds" not in k
    }


def test_a_run_of_an_earlier_version_is_recorded_when_it_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    (SEED / "round_0/inputs.json").unlink()
    for done in (SEED / "round_0/DONE", ROUND / "DONE"):
        done.write_bytes(b"")
    sql("drop table seals; drop table files")()
    assert main(["export", *arguments(), "--to", "corrected"]) == 0
    assert main(["run", *arguments()]) == 0
    assert len(Ledger(LEDGER).queried()) == 8
    number_masks_anew()
    cut_table()
    assert "mask maps" in refused("run", capsys)
    number_masks_anew()
    assert "mask_table.parquet" in refused("run", capsys)


def test_a_record_of_an_earlier_version_knows_less_and_is_completed(capsys: pytest.CaptureFixture[str]) -> None:
    path = SEED / "round_0/inputs.json"
    record = read_json(path)
    known = ("images", "initial label maps", "mask maps")
    write_json(path, {**record, "digests": {kind: record["digests"][kind] for kind in known}})
    assert main(["run", *arguments("rounds=1")]) == 0
    assert read_json(path) == record
    replace_truth()
    assert "ground truth" in refused("run", capsys)


def backbone(path: Path, seed: int) -> None:
    """Weights of the tiny network's backbone."""
    torch.manual_seed(seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(timm.create_model("test_resnet").state_dict(), path)


def test_other_weights_of_the_backbone_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(OUTPUT)
    settings = ("network.backbone_weights=weights.safetensors", "rounds=1")
    backbone(Path("weights.safetensors"), 1)
    assert main(["run", *arguments(*settings)]) == 0
    backbone(Path("weights.safetensors"), 2)
    assert "backbone weights with other content: 1 (test_resnet)" in refused("run", capsys, *settings, "rounds=2")
    assert main(["export", *arguments(*settings), "--to", "corrected"]) == 0


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the hub in which nothing is yet; timm "downloads" into it what lies in published.safetensors."""
    cache = Path("cache").resolve()
    create = timm.create_model

    def found(repository: str, name: str, **_: Any) -> str | None:
        path = cache / repository / "snapshots/1" / name
        return str(path) if path.is_file() else None

    def download(name: str, pretrained: bool = False, **options: Any) -> torch.nn.Module:
        if pretrained:
            folder = cache / "timm/test_resnet.r160_in1k"
            blob = folder / "blobs" / file_digest(Path("published.safetensors"))
            link = folder / "snapshots/1/model.safetensors"
            for path in (blob, link):
                path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy("published.safetensors", blob)
            link.unlink(missing_ok=True)
            link.symlink_to(blob)
            if Path("broken").exists():
                blob.write_bytes(blob.read_bytes()[:-4] + b"\0\0\0\0")
        return create(name, **options)

    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", found)
    monkeypatch.setattr(timm, "create_model", download)
    return cache


DOWNLOADED = ("network.backbone_weights=imagenet", "rounds=1")


def test_the_hash_of_a_download_is_recorded_at_first_use(hub: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(OUTPUT)
    backbone(Path("published.safetensors"), 1)
    assert main(["train", *arguments(*DOWNLOADED)]) == 0
    record = read_json(SEED / "round_0/inputs.json")["digests"]["backbone weights"]
    assert record == {"test_resnet": file_digest(Path("published.safetensors"))}
    for verb in ("score", *("correct", "propagate") * 2):  # in two batches
        assert main([verb, *arguments(*DOWNLOADED)]) == 0
    shutil.rmtree(hub)
    backbone(Path("published.safetensors"), 2)  # another revision, which comes with the next download
    assert main(["train", *arguments(*DOWNLOADED)]) == 2
    assert "backbone weights with other content: 1 (test_resnet)" in capsys.readouterr().err
    assert not list(ROUND.glob("*.safetensors"))


def test_a_download_that_is_not_what_the_hub_publishes_is_refused(
    hub: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(OUTPUT)
    backbone(Path("published.safetensors"), 1)
    Path("broken").touch()
    assert main(["train", *arguments(*DOWNLOADED)]) == 2
    assert f"delete {hub}" in capsys.readouterr().err
    assert not (SEED / "round_0/last.safetensors").exists()


def test_inputs_may_change_until_something_is_made_of_them() -> None:
    shutil.rmtree(OUTPUT)
    assert main(["score", *arguments()]) == 2
    number_masks_anew()
    assert main(["train", *arguments()]) == 0
    assert main(["score", *arguments()]) == 0


def test_first_labels_of_a_start_are_inputs_too(capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(OUTPUT)
    for path in LABELS.glob("*.png"):
        write_image(path, np.full_like(read_index_map(path), 255, dtype=np.uint8))
    settings = ("start=clicks", "start.clicks=6", "rounds=1")
    for _ in range(2):  # when the command is given again, there are first labels to record
        assert main(["run", *arguments(*settings)]) == 0
    labels = SEED / "start/pseudo_labels/labels"
    shutil.copy(labels / "image00.png", labels / "image01.png")
    assert "label maps of the start with other content: 1 (image01)" in refused("run", capsys, *settings)


def test_a_full_check_reads_what_looks_untouched() -> None:
    (current,) = open_runs(load_config("folder", arguments()[1:]), computes=False)
    verify_inputs(current, full=True)
    path = LABELS / "image03.png"
    earlier = file_digest(path)
    relabel()
    status = path.stat()
    stamp = [status.st_size, status.st_mtime_ns, status.st_ctime_ns]
    write_json(SEED / ".inputs_seen.json", {str(path.absolute()): [*stamp, earlier]})
    (current,) = open_runs(load_config("folder", arguments()[1:]), computes=False)
    verify_inputs(current)
    with pytest.raises(InputError, match="image03"):
        verify_inputs(current, full=True)
