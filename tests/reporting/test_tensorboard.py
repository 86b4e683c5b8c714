"""What TensorBoard shows of a training, also after a kill; and what it costs when it is off: nothing."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from a2lc.classes import ClassSet
from a2lc.foundation.errors import InputError
from a2lc.labels.overlay import draw_overlay
from a2lc.reporting.tensorboard import Example, TensorBoardLog, TrainingLog, training_log
from tests.support.training_case import Pictures, run_training

CURVES = ["training/learning_rate", "training/loss", "validation/mean_iou"]


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], Any]:
    """Reads a log back with TensorBoard's own reader."""
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.summary.writer import event_file_writer

    # files of one second are read in the order of a text that ends in this number: 9 must not come before 10
    monkeypatch.setattr(event_file_writer, "_global_uid", event_file_writer.AtomicCounter(0))
    return lambda folder: EventAccumulator(str(folder), size_guidance={"scalars": 0, "images": 0}).Reload()


def steps(events: Any, tag: str) -> list[int]:
    return [point.step for point in events.Scalars(tag)]


def test_curves_have_a_point_every_ten_iterations_and_at_validations(
    tmp_path: Path, classes: ClassSet, read: Callable[[Path], Any]
) -> None:
    with training_log(True, tmp_path, classes) as log:
        for step in range(1, 36):
            log.progress(step, 1 / step, 0.1 * step, 0.5 if step == 25 else None)
    events = read(tmp_path)
    assert sorted(events.Tags()["scalars"]) == CURVES
    assert [(point.step, point.value) for point in events.Scalars("training/loss")] == [
        (step, pytest.approx(1 / step)) for step in (10, 20, 25, 30)
    ]
    assert events.Scalars("training/learning_rate")[0].value == pytest.approx(1)
    assert [(point.step, point.value) for point in events.Scalars("validation/mean_iou")] == [(25, 0.5)]


def test_examples_stand_side_by_side(tmp_path: Path, classes: ClassSet, read: Callable[[Path], Any]) -> None:
    image = np.random.default_rng(0).integers(0, 256, (6, 9, 3), dtype=np.uint8)
    labels, prediction = np.full((6, 9), 255, dtype=np.uint8), np.ones((6, 9), dtype=np.uint8)
    large = np.zeros((1000, 500), dtype=np.uint8)
    with TensorBoardLog(tmp_path, classes) as log:
        log.examples(4, [Example("b/c", image, labels, prediction)])
        log.examples(8, [Example("large", np.zeros((1000, 500, 3), dtype=np.uint8), large, large)])
    events = read(tmp_path)
    (shown,) = events.Images("examples/b/c")
    expected = np.concatenate([image, image, draw_overlay(image, prediction, classes)], axis=1)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(shown.encoded_image_string))), expected)
    (shown,) = events.Images("examples/large")
    assert (shown.step, shown.height, shown.width) == (8, 480, 3 * 240)


class Killed(Exception):
    """Stands for the end of the process."""


def test_killed_and_resumed_training_has_every_point_once(
    tmp_path: Path, classes: ClassSet, read: Callable[[Path], Any]
) -> None:
    pictures = Pictures()

    def train(log: TrainingLog, killed_at: int | None = None) -> None:
        def on_progress(progress: Any) -> None:
            log.progress(progress.step, progress.loss, progress.learning_rate, progress.mean_iou)
            if progress.due:
                labels = pictures.labels("image_0")
                log.examples(progress.step, [Example("image_0", pictures.image("image_0"), labels, labels)])
            if progress.step == killed_at:
                raise Killed

        run_training(tmp_path / "run", validate=lambda network: 0.5, validate_every=1, on_progress=on_progress)

    killed = TensorBoardLog(tmp_path / "log", classes)  # never closed
    with pytest.raises(Killed):
        train(killed, killed_at=5)  # its training.pt is of step 4
    assert steps(read(tmp_path / "log"), "training/loss") == [1, 2, 3, 4, 5], "on disk before the kill"
    with TensorBoardLog(tmp_path / "log", classes) as resumed:
        train(resumed)
    events = read(tmp_path / "log")
    for tag in CURVES:
        assert steps(events, tag) == [1, 2, 3, 4, 5, 6]
    assert [shown.step for shown in events.Images("examples/image_0")] == [1, 2, 3, 4, 5, 6]
    assert len(list((tmp_path / "log").iterdir())) == 2


def test_log_that_is_off_writes_and_computes_nothing(
    tmp_path: Path, classes: ClassSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)  # may be missing

    def costly() -> Iterator[Example]:
        raise AssertionError("computed although nobody looks")
        yield

    with training_log(False, tmp_path / "log", classes) as log:
        log.progress(10, 0.5, 0.1, 0.9)
        log.examples(10, costly())
    assert not list(tmp_path.iterdir())


def test_missing_package_is_told_with_the_command_that_installs_it(
    tmp_path: Path, classes: ClassSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(InputError, match=r"^TensorBoard cannot be imported .*: pip install 'a2lc\[tensorboard\]'"):
        training_log(True, tmp_path / "log", classes)
    assert not list(tmp_path.iterdir())
