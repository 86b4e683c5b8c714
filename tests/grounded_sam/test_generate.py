"""Generation with stand-ins for the models: killed, shared, continued, with bad images; always the same files."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from a2lc.classes import ClassSet
from a2lc.foundation.errors import InputError
from a2lc.foundation.files import read_json
from a2lc.foundation.images import image_size, read_image, write_image
from a2lc.labels.check import check_pseudo_labels
from a2lc.labels.store import PseudoLabelSet, open_pseudo_labels
from grounded_sam import backends, workplace
from grounded_sam.detections import Detections
from grounded_sam.generate import generate
from grounded_sam.records import Records
from grounded_sam.settings import load_settings
from grounded_sam.sharding import Share
from tests.support.folders import make_folder
from tests.support.gsam_fake import FakeDetector, die_at, install, main

IMAGES = 7
LONGEST_LIFE = 25  # files opened, renames and removals; a generation of 7 images does 80


@pytest.fixture
def data(tmp_path: Path, classes: ClassSet) -> Path:
    """Seven drawn images."""
    return make_folder(tmp_path / "data", classes, images=IMAGES)


@pytest.fixture
def detector(monkeypatch: pytest.MonkeyPatch) -> FakeDetector:
    """The stand-in that is opened instead of a model."""
    for name in ("open_detector", "open_segmenter"):
        monkeypatch.setattr(backends, name, None)  # put back afterwards
    return install()


def arguments(data: Path, output: Path, *settings: str) -> list[str]:
    return ["generate", "folder", f"dataset.root={data}", f"output={output}", "device=cpu", "batch_size=2", *settings]


def run(data: Path, output: Path, *settings: str, share: Share | None = None) -> PseudoLabelSet | None:
    return generate(load_settings("folder", arguments(data, output, *settings)[2:]), share or Share())


def contents(output: Path) -> dict[str, bytes]:
    files = sorted(path for path in output.rglob("*") if path.is_file())
    return {path.relative_to(output).as_posix(): path.read_bytes() for path in files}


def work(given: list[str], environment: dict[str, str], operation: int | None, folder: Path) -> None:
    os.environ.update(environment)
    if operation is not None:
        die_at(operation, folder)
    sys.exit(main(given))


def start(given: list[str], output: Path, operation: int | None = None, **environment: str) -> Any:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        ["torch", "tests.support.gsam_fake", "grounded_sam.generate", "grounded_sam.contact_sheet"]
    )
    process = context.Process(target=work, args=(given, environment, operation, output), daemon=True)
    process.start()
    return process


def test_a_set_that_the_other_wing_reads(tmp_path: Path, data: Path, classes: ClassSet, detector: FakeDetector) -> None:
    finished = run(data, tmp_path / "set")
    assert finished is not None
    again = open_pseudo_labels(tmp_path / "set")
    ids = [f"image{index:02d}" for index in range(IMAGES)]
    summary = check_pseudo_labels(again, ids, classes, lambda image_id: image_size(data / "images" / f"{image_id}.png"))
    assert (summary.images, summary.images_without_masks) == (IMAGES, 0)
    assert detector.batches == [2, 2, 2, 1]

    record = read_json(Records(tmp_path / "set" / "records").path("image00"))
    assert record["size"] == [48, 56]
    masks, labels = again.masks("image00"), again.labels("image00")
    assert record["masks"] == len(np.unique(masks)) - 1 == again.manifest["images"]["image00"]["masks"]
    for found in record["detections"]:
        left, top, right, bottom = map(int, found["box"])
        inside = masks[top:bottom, left:right] == found["mask"]
        assert inside.sum() == (masks == found["mask"]).sum() > 0
        assert set(labels[masks == found["mask"]]) == {classes.names.index(found["class"])}
        assert 0.3 < found["score"] < 1
    assert (labels[masks == 0] == classes.void).all()
    assert again.manifest["made_by"]["detector_model"] == {"backend": "fake", "sha256": "fake"}
    assert str(tmp_path) not in (tmp_path / "set" / "manifest.json").read_text()
    assert read_image(tmp_path / "set" / "contact_sheet.png").size


@pytest.mark.slow
def test_kills_at_random_change_nothing(tmp_path: Path, data: Path) -> None:
    alone = start(arguments(data, tmp_path / "alone"), tmp_path / "alone")
    alone.join()
    assert alone.exitcode == 0
    output, rng, kills = tmp_path / "killed", random.Random(0), 0
    for _ in range(6):
        process = start(arguments(data, output), output, operation=rng.randrange(LONGEST_LIFE))
        process.join()
        kills += process.exitcode == -signal.SIGKILL
        assert process.exitcode in (0, -signal.SIGKILL)
    last = start(arguments(data, output), output)
    last.join()
    assert last.exitcode == 0
    assert kills > 3
    assert contents(output) == contents(tmp_path / "alone")


@pytest.mark.slow
@pytest.mark.parametrize("killed", [False, True])
def test_two_processes_write_the_files_of_one(tmp_path: Path, data: Path, killed: bool) -> None:
    output = tmp_path / "two"
    world = {"WORLD_SIZE": "2"}
    if killed:
        first = start(arguments(data, output), output, operation=20, RANK="1", **world)
        first.join()
        assert first.exitcode == -signal.SIGKILL
    processes = [start(arguments(data, output), output, RANK=str(rank), **world) for rank in range(2)]
    alone = start(arguments(data, tmp_path / "alone"), tmp_path / "alone")
    for process in (*processes, alone):
        process.join()
        assert process.exitcode == 0
    assert contents(output) == contents(tmp_path / "alone")


@pytest.mark.slow
def test_torchrun(tmp_path: Path, data: Path) -> None:
    program = ["-m", "tests.support.gsam_fake", *arguments(data, tmp_path / "two")]
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2", *program]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    alone = start(arguments(data, tmp_path / "alone"), tmp_path / "alone")
    alone.join()
    assert contents(tmp_path / "two") == contents(tmp_path / "alone")


def test_the_process_that_is_not_last_leaves_the_manifest(tmp_path: Path, data: Path, detector: FakeDetector) -> None:
    assert run(data, tmp_path / "set", share=Share(1, 2)) is None
    assert not (tmp_path / "set" / "manifest.json").exists()
    assert run(data, tmp_path / "set", share=Share(0, 2)) is not None


def test_a_batch_with_a_missing_image_is_computed_whole(tmp_path: Path, data: Path, detector: FakeDetector) -> None:
    run(data, tmp_path / "set")
    before = contents(tmp_path / "set")
    untouched = (tmp_path / "set" / "labels" / "image02.png").stat().st_ino
    for name in ("records/image03.json", "labels/image03.png"):
        (tmp_path / "set" / name).unlink()
    detector.batches.clear()
    run(data, tmp_path / "set")
    assert detector.batches == [2]
    assert contents(tmp_path / "set") == before
    assert (tmp_path / "set" / "labels" / "image02.png").stat().st_ino == untouched


def test_a_set_with_images_to_do_is_not_taken_for_finished(
    tmp_path: Path, data: Path, detector: FakeDetector, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(data, tmp_path / "set", "limit=3") is not None
    assert len(open_pseudo_labels(tmp_path / "set").image_ids()) == 3

    def fail(_: Any) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(detector, "detect", fail)
        with pytest.raises(MemoryError):
            run(data, tmp_path / "set")
    with pytest.raises(InputError, match="was not finished"):
        open_pseudo_labels(tmp_path / "set")
    run(data, tmp_path / "set")
    run(data, tmp_path / "alone")
    assert len(open_pseudo_labels(tmp_path / "set").image_ids()) == IMAGES
    assert read_json(tmp_path / "set/manifest.json") == read_json(tmp_path / "alone/manifest.json")


def test_unreadable_images_are_named_and_the_rest_is_done(
    tmp_path: Path, data: Path, detector: FakeDetector, capsys: pytest.CaptureFixture[str]
) -> None:
    output, images = tmp_path / "set", data / "images"
    whole = {index: (images / f"image0{index}.png").read_bytes() for index in (1, 6)}
    (images / "image01.png").write_bytes(b"")
    (images / "image06.png").write_bytes(whole[6][: len(whole[6]) // 2])
    for _ in range(2):
        assert main(arguments(data, output)) == 2
        told = capsys.readouterr().err
        assert "3 of 7 images are left out" in told
        assert "(2 problems)" in told
        assert all(str(images / f"image0{index}.png") in told for index in whole)
        assert "Traceback" not in told
        assert not (output / "manifest.json").exists()
        assert sorted(path.stem for path in (output / "records").glob("*.json")) == [f"image0{i}" for i in (2, 3, 4, 5)]

    for index, content in whole.items():
        (images / f"image0{index}.png").write_bytes(content)
    run(data, output)
    run(data, tmp_path / "alone")
    assert contents(output) == contents(tmp_path / "alone")


@pytest.mark.parametrize("together", [False, True])
def test_unreadable_images_are_told_by_their_process_unless_that_ends_all_and_by_the_last(
    tmp_path: Path, data: Path, detector: FakeDetector, together: bool
) -> None:
    shares = [Share(rank, 3, falls_together=together) for rank in range(3)]
    (data / "images" / "image02.png").write_bytes(b"")
    assert run(data, tmp_path / "set", share=shares[0]) is None
    if together:
        assert run(data, tmp_path / "set", share=shares[1]) is None
    else:
        with pytest.raises(InputError, match=r"image02\.png"):
            run(data, tmp_path / "set", share=shares[1])
    with pytest.raises(InputError, match=r"image02\.png"):
        run(data, tmp_path / "set", share=shares[2])


def test_an_unreadable_image_may_be_removed(tmp_path: Path, data: Path, detector: FakeDetector) -> None:
    (data / "images" / "image04.png").write_bytes(b"no image")
    with pytest.raises(InputError):
        run(data, tmp_path / "set")
    (data / "images" / "image04.png").unlink()
    (data / "ground_truth" / "image04.png").unlink()
    finished = run(data, tmp_path / "set")
    assert finished is not None
    assert len(finished.manifest["images"]) == IMAGES - 1


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("filters.score_threshold=0.3", r"filters\.score_threshold: 0\.2 there, 0\.3 now"),
        ("batch_size=3", "batch_size: 2 there, 3 now"),
        ("detector.shortest_edge=400", "detector.shortest_edge: 800 there, 400 now"),
    ],
)
def test_other_settings_are_refused(
    tmp_path: Path, data: Path, detector: FakeDetector, setting: str, told: str
) -> None:
    run(data, tmp_path / "set", "limit=2")
    before = contents(tmp_path / "set")
    with pytest.raises(InputError, match=told):
        run(data, tmp_path / "set", setting)
    assert contents(tmp_path / "set") == before


def test_other_weights_and_other_classes_are_refused(tmp_path: Path, data: Path, detector: FakeDetector) -> None:
    run(data, tmp_path / "set", "limit=2")
    detector.tag = "other"
    with pytest.raises(InputError, match=r"detector_model\.sha256: fake there, other now"):
        run(data, tmp_path / "set")
    (data / "classes.yaml").write_text("classes: [ground, box, circle]\n")
    with pytest.raises(InputError, match=r"classes\.classes\.2\.name: disc there, circle now"):
        run(data, tmp_path / "set")


def test_fewer_images_than_before_make_a_smaller_set(tmp_path: Path, data: Path, detector: FakeDetector) -> None:
    run(data, tmp_path / "set")
    finished = run(data, tmp_path / "set", "limit=2")
    assert finished is not None
    assert finished.image_ids() == ["image00", "image01"]
    run(data, tmp_path / "alone", "limit=2")
    for name in ("manifest.json", "contact_sheet.png"):
        assert (tmp_path / "set" / name).read_bytes() == (tmp_path / "alone" / name).read_bytes()


def test_what_may_change_between_two_starts(tmp_path: Path, data: Path, detector: FakeDetector) -> None:
    run(data, tmp_path / "set", "limit=2")
    begun = contents(tmp_path / "set" / "labels")
    assert sorted(begun) == ["image00.png", "image01.png"]
    moved = data.rename(tmp_path / "moved")
    changed = ("segmenter.boxes_at_once=1", "detector.model=elsewhere/model.pth")
    detector.batches.clear()
    assert run(moved, tmp_path / "set", *changed) is not None
    assert detector.batches == [2, 2, 1], "goes on where it stood"
    run(moved, tmp_path / "alone", *changed)
    for kind in ("labels", "masks"):
        assert contents(tmp_path / "set" / kind) == contents(tmp_path / "alone" / kind)
    assert begun.items() <= contents(tmp_path / "set" / "labels").items()


def test_weights_may_come_from_elsewhere(
    tmp_path: Path, data: Path, detector: FakeDetector, monkeypatch: pytest.MonkeyPatch
) -> None:
    described = detector.describe()
    for hub_id in ("someone/model", None):
        monkeypatch.setattr(detector, "describe", lambda hub_id=hub_id: {**described, "hub_id": hub_id})
        finished = run(data, tmp_path / "set")
        assert finished is not None
        assert finished.manifest["made_by"]["detector_model"]["hub_id"] == "someone/model"


def test_foreign_folders_and_locked_ones_are_refused(tmp_path: Path, data: Path, detector: FakeDetector) -> None:
    with pytest.raises(InputError, match="was not begun by grounded-sam generate"):
        run(data, data / "pseudo_labels")
    with pytest.raises(InputError, match="is a file"):
        run(data, data / "classes.yaml")
    with pytest.raises(InputError, match="lies in the folder of the images"):
        run(data, data / "images" / "masks")
    place = workplace.Workplace(tmp_path / "set", None)
    with place.held(0), pytest.raises(InputError, match="in use by another process"):
        run(data, tmp_path / "set")


def test_orientation_is_applied_once_and_recorded(tmp_path: Path, data: Path, detector: FakeDetector) -> None:
    upright = read_image(data / "images" / "image00.png")
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees: the stored picture has to be turned clockwise
    turned = Image.fromarray(upright).transpose(Image.Transpose.ROTATE_90)
    (data / "images" / "image00.png").unlink()
    turned.save(data / "images" / "image00.webp", lossless=True, exif=exif)
    turned.save(data / "images" / "image01.png", exif=exif)
    finished = run(data, tmp_path / "set", "limit=3")
    assert finished is not None
    for name in ("image00.webp", "image01.png"):
        assert (read_image(data / "images" / name) == upright).all()
        assert image_size(data / "images" / name) == upright.shape[:2]
        entry = finished.manifest["images"][name.split(".")[0]]
        assert (entry["size"], entry["orientation"]) == ([48, 56], 6)
    assert (finished.labels("image00") == finished.labels("image01")).all()
    assert "orientation" not in finished.manifest["images"]["image02"]


def test_images_without_detections_and_filters(tmp_path: Path, data: Path, detector: FakeDetector) -> None:
    write_image(data / "images" / "image00.png", np.zeros((48, 56, 3), dtype=np.uint8))
    finished = run(data, tmp_path / "set", "filters.min_area=100", "filters.class_thresholds={disc: 1.0}", "limit=4")
    assert finished is not None
    assert finished.manifest["images"]["image00"] == {"size": [48, 56], "masks": 0}
    assert not finished.masks("image00").any()
    assert all(2 not in finished.labels(image_id) for image_id in finished.image_ids())
    ids, pixels = np.unique(np.stack([finished.masks(f"image0{index}") for index in (1, 2, 3)]), return_counts=True)
    assert len(ids) > 1
    assert pixels.min() > 10


def test_a_detector_that_gives_too_little_is_a_bug(tmp_path: Path, data: Path, detector: FakeDetector) -> None:
    nothing = Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.int64), np.zeros(0, np.float32))
    detector.detect = lambda images: [nothing]
    with pytest.raises(ValueError, match="zip"):
        run(data, tmp_path / "set")
