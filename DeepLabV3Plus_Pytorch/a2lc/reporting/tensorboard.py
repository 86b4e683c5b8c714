"""A training as it goes, in TensorBoard: curves and example pictures. Off unless asked for."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from a2lc.classes import ClassSet
from a2lc.foundation.errors import InputError
from a2lc.labels.overlay import draw_overlay

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

_EVERY = 10  # iterations from one point of a curve to the next
_PICTURE = 480  # pixels, longer side of each of the pictures that stand side by side


@dataclass(frozen=True)
class Example:
    """An image with what it is labelled as and what the network makes of it.

    Attributes:
        image_id: Its id.
        image: RGB (H, W, 3) uint8.
        labels: (H, W) uint8, the current labels.
        prediction: (H, W) uint8, the network's.
    """

    image_id: str
    image: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    prediction: NDArray[np.uint8]


class TrainingLog:
    """Takes all that a training has to tell and keeps nothing: what logging is when it is off."""

    def progress(self, step: int, loss: float, learning_rate: float, mean_iou: float | None = None) -> None:
        """Note where the training stands; to be called after every iteration.

        Args:
            step: Iterations made, from 1.
            loss: Of this iteration.
            learning_rate: Of this iteration.
            mean_iou: Validation mIoU in [0, 1], None if nothing was validated after this iteration.
        """

    def examples(self, step: int, examples: Iterable[Example]) -> None:
        """Note what the network makes of some images; an iterable that computes lazily costs nothing when off.

        Args:
            step: Iterations made, from 1.
            examples: The same few images every time.
        """

    def close(self) -> None:
        """Finish what is being written."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class TensorBoardLog(TrainingLog):
    """Writes TensorBoard event files.

    Every point is on disk before the training goes on, and a training that continues after a kill hides the points
    that came after what it continues from: no point is lost and none stands twice.
    """

    def __init__(self, folder: Path, classes: ClassSet) -> None:
        """Write nothing yet; the first call tells at which step this log begins.

        Args:
            folder: Of this training alone; made if needed.
            classes: Colours of the examples.

        Raises:
            InputError: When TensorBoard is not installed.
        """
        try:
            self._library = importlib.import_module("torch.utils.tensorboard")
        except ImportError as error:
            raise InputError(
                f"TensorBoard cannot be imported ({error}): pip install 'a2lc[tensorboard]', or switch its log off"
            ) from None
        self._folder = folder
        self._classes = classes
        self._opened: SummaryWriter | None = None

    def progress(self, step: int, loss: float, learning_rate: float, mean_iou: float | None = None) -> None:
        """Write the curves' points: every tenth iteration, and wherever there was a validation."""
        writer = self._writer(step)
        if mean_iou is not None:
            writer.add_scalar("validation/mean_iou", mean_iou, step)
        if mean_iou is not None or step % _EVERY == 0:
            writer.add_scalar("training/loss", loss, step)
            writer.add_scalar("training/learning_rate", learning_rate, step)
            writer.flush()

    def examples(self, step: int, examples: Iterable[Example]) -> None:
        """Write image, labels and prediction side by side, a picture per example."""
        writer = self._writer(step)
        for example in examples:
            picture = _side_by_side(example, self._classes)
            writer.add_image(f"examples/{example.image_id}", picture, step, dataformats="HWC")
        writer.flush()

    def close(self) -> None:
        """Close the event file."""
        if self._opened is not None:
            self._opened.close()

    def _writer(self, step: int) -> SummaryWriter:
        if self._opened is None:
            self._opened = self._library.SummaryWriter(str(self._folder), purge_step=step)
        return self._opened


def training_log(enabled: bool, folder: Path, classes: ClassSet) -> TrainingLog:
    """The log of a training: TensorBoard's in `folder`, or one that keeps nothing.

    Raises:
        InputError: When TensorBoard is wanted but not installed.
    """
    return TensorBoardLog(folder, classes) if enabled else TrainingLog()


def _side_by_side(example: Example, classes: ClassSet) -> NDArray[np.uint8]:
    """The image, its labels and the prediction, (h, 3w, 3) uint8."""
    height, width = example.image.shape[:2]
    factor = min(_PICTURE / max(height, width), 1)
    size = max(round(width * factor), 1), max(round(height * factor), 1)
    image = np.asarray(Image.fromarray(example.image).resize(size))
    maps = (Image.fromarray(labels) for labels in (example.labels, example.prediction))
    resized = (np.asarray(labels.resize(size, Image.Resampling.NEAREST)) for labels in maps)
    return np.concatenate([image, *(draw_overlay(image, labels, classes) for labels in resized)], axis=1)
