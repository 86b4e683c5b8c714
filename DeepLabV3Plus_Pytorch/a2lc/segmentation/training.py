"""Training by configuration: a killed training continues with the same command and ends with the same weights.

While a training runs, `training.pt` in its folder holds all there is to know; where it exists, the training continues
from it. With the same keys, CPU and thread count the weights are the same, bit by bit, whether or not the training was
interrupted and however many workers load images.

Several processes make every step together: each computes on its places of the same batch. All of them call `train`
with the same arguments, and see the same folder; the main one alone writes to it.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import torch as safetensors
from torch import nn

from a2lc.foundation.bars import Bar, bar
from a2lc.foundation.errors import InputError
from a2lc.foundation.files import atomic_path, is_there
from a2lc.foundation.processes import Processes
from a2lc.foundation.seeding import seed_of
from a2lc.labels.base import LabelSource
from a2lc.segmentation.cached_features import CachedFeatures, training_views
from a2lc.segmentation.descent import Descent, weights_of
from a2lc.segmentation.feature_samples import FeatureSamples
from a2lc.segmentation.features import Features
from a2lc.segmentation.loading import load_batches
from a2lc.segmentation.network import DeepLabV3Plus
from a2lc.segmentation.objectives import make_objective
from a2lc.segmentation.sampling import Item, TrainingSamples, batch_of_step
from a2lc.segmentation.settings import TrainingSettings
from a2lc.segmentation.transforms import VOID, Augmentation

_log = logging.getLogger(__name__)
_ALONE = Processes()
Verified = Callable[[str], NDArray[np.bool_]]


@dataclass(frozen=True)
class Progress:
    """Where a training stands after an iteration.

    Attributes:
        step: Iterations made.
        loss: Loss of the batch, before the step.
        learning_rate: Learning rate of the head in this step.
        due: Whether `validate_every` names this iteration, or it is the last one.
        mean_iou: Validation mIoU in [0, 1], None if nothing was validated after this iteration.
    """

    step: int
    loss: float
    learning_rate: float
    due: bool
    mean_iou: float | None


@dataclass(frozen=True)
class TrainingResult:
    """What came out of a training.

    Attributes:
        iterations: Steps made.
        best_iteration: Step whose weights stand in `best.safetensors`; the last one if nothing was validated.
        best_mean_iou: Their validation mIoU in [0, 1], None if nothing was validated.
        last_mean_iou: The validation mIoU of `last.safetensors`, None if nothing was validated.
        seconds: Time spent, earlier attempts included up to what they saved.
    """

    iterations: int
    best_iteration: int
    best_mean_iou: float | None
    last_mean_iou: float | None
    seconds: float


def train(
    network: DeepLabV3Plus,
    images: Callable[[str], NDArray[np.uint8] | Features],
    labels: LabelSource,
    image_ids: Sequence[str],
    settings: TrainingSettings,
    *,
    num_classes: int,
    folder: Path,
    keys: Sequence[int | str],
    device: torch.device,
    void: int = VOID,
    processes: Processes = _ALONE,
    verified: Verified | None = None,
    validate: Callable[[nn.Module], float] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    description: str = "training",
) -> TrainingResult:
    """Train a network in place and leave `best.safetensors` and `last.safetensors` in `folder`.

    Args:
        network: Starts with the weights it has; moved to `device`. Its channels are those of the objective.
        images: Image id → RGB (H, W, 3) uint8; must be picklable if there are workers, and so must `labels`. For a
            training on features `CachedFeatures` that hold the training images in all `training_views`.
        labels: Label maps (H, W) uint8 of the same size.
        image_ids: The training images; may be fewer than a batch.
        settings: How to train.
        num_classes: C; every label is below C or void.
        folder: Where checkpoints go; made if needed.
        keys: Seed keys, for example (seed, round index).
        device: Where to compute.
        void: Label of pixels that teach nothing.
        processes: Those that train together, already joined.
        verified: Image id → (H, W) bool, the pixels whose label a person or the oracle verified; picklable as `images`.
            Asked only where the objective distinguishes them; None = none was.
        validate: Network in evaluation mode → mIoU in [0, 1]; decides which weights are the best. Called in all
            processes at once, and gives the same number in all.
        on_progress: Called after every iteration and its validation, in the main process only; may predict with the
            network, not change it.
        description: What the progress bar and the log call this training.

    Raises:
        InputError: When an image or label map is unfit, the loss is not finite any more, `training.pt` belongs to
            another training, or the processes cannot divide a batch among them.
    """
    if not image_ids:
        raise InputError(f"{description}: there are no training images")
    check_division(settings, processes.count, device)
    objective = make_objective(settings, num_classes, void)
    asked = verified if objective.distinguishes else None
    samples = _samples(images, labels, image_ids, num_classes, settings, void, asked)
    fingerprint = seed_of(settings.identity(), *keys, *image_ids, *["frozen"] * network.frozen)
    descent = Descent(network.to(device), settings, objective, device, fingerprint, processes)
    course = Course(descent, settings, keys, device, processes, folder, validate, on_progress, description)
    course.begin(len(image_ids))
    course.go_through(course.batches(samples, partial(_items, len(image_ids), settings, keys)))
    return course.finish()


def _samples(
    images: Callable[[str], NDArray[np.uint8] | Features],
    labels: LabelSource,
    image_ids: Sequence[str],
    num_classes: int,
    settings: TrainingSettings,
    void: int,
    verified: Verified | None,
) -> TrainingSamples | FeatureSamples:
    """What a step draws from: crops of images, or windows of kept features."""
    if not settings.on_features:
        pixels = cast(Callable[[str], NDArray[np.uint8]], images)
        return TrainingSamples(pixels, labels, image_ids, num_classes, Augmentation(settings, void), void, verified)
    if not isinstance(images, CachedFeatures):
        raise TypeError("training.on_features is true, so images must be CachedFeatures")
    views = training_views(settings)
    return FeatureSamples(images, labels, image_ids, num_classes, views, settings.crop, void, verified)


@dataclass(frozen=True)
class Course:
    """The way of a training from where it stands to its last iteration; the arguments are those of `train`.

    Example:
        >>> course = Course(descent, settings, keys, device, processes, folder, None, None, "training")
        >>> course.begin(len(image_ids))
        >>> course.go_through(course.batches(samples, items_of_step))
        >>> result = course.finish()
    """

    descent: Descent
    settings: TrainingSettings
    keys: Sequence[int | str]
    device: torch.device
    processes: Processes
    folder: Path
    validate: Callable[[nn.Module], float] | None
    on_progress: Callable[[Progress], None] | None
    description: str

    @property
    def _checkpoint(self) -> Path:
        """The file that a killed training continues from."""
        return self.folder / "training.pt"

    @property
    def _say(self) -> Callable[..., None]:
        """Logs what one process alone should tell."""
        return _log.info if self.processes.is_main else _log.debug

    def begin(self, images: int) -> None:
        """Announce the training, and continue one that was killed."""
        iterations = self.settings.iterations
        size = self.settings.batch_size
        self._say(
            "%s: %d iterations, batches of %d from %d images, on %s",
            *(self.description, iterations, size, images, self.device),
        )
        if self.processes.from_main(is_there(self._checkpoint)):
            self.descent.resume(self._checkpoint)
            self._say("continuing at iteration %d, from %s", self.descent.step, self._checkpoint)

    def batches(
        self, load: Callable[[Any], tuple[Any, ...]], items_of: Callable[[int], Sequence[Any]]
    ) -> Iterator[Sequence[Any]]:
        """This process's part of every batch that is left.

        Args:
            load: Item → tensors, as `TrainingSamples`; must be picklable if there are workers.
            items_of: Step, from 0 → the items of its batch, of all processes.

        Yields:
            What `load` gives, stacked: of `TrainingSamples` images (N, 3, h, w), labels (N, h, w), what is verified.
        """
        steps = range(self.descent.step, self.settings.iterations)
        shares = (list(self.processes.share(items_of(step))) for step in steps)
        return load_batches(load, shares, self.settings.workers, self.device)

    def go_through(self, batches: Iterable[Sequence[Any]]) -> None:
        """Make a step of every batch; the random state of the caller stays as it is."""
        with (
            torch.random.fork_rng([self.device] if self.device.type == "cuda" else []),
            self._bar() as shown,
        ):
            for batch in batches:
                torch.manual_seed(_seed_of_step(self.keys, self.descent.step, self.processes))
                loss = self.descent.advance(*batch)
                self._show(shown, loss)
                self._follow(loss)

    def finish(self) -> TrainingResult:
        """Write the weights, in the main process; all get its result."""
        is_main = self.processes.is_main
        result: TrainingResult = self.processes.from_main(
            _finish(self.descent, self.folder, self.description) if is_main else None
        )
        return result

    def _bar(self) -> Bar[None]:
        total = self.settings.iterations
        made = self.descent.step
        return bar(
            description=self.description, total=total, initial=made, unit="it", hidden=not self.processes.is_main
        )

    def _show(self, shown: Bar[None], loss: float) -> None:
        """Tell the bar and the log of a step."""
        shown.set_postfix(loss=f"{loss:.4f}", lr=f"{self.descent.learning_rate:.2g}", refresh=False)
        shown.update()
        _log.debug("iteration %d/%d loss %.4f", self.descent.step, self.settings.iterations, loss)

    def _follow(self, loss: float) -> None:
        """What comes after a step: validation in all processes, then the caller's hook and the checkpoint in one."""
        descent = self.descent
        due = _is_due(descent.step, self.settings)
        mean_iou = self._validated() if due else None
        if not self.processes.is_main:
            return
        if self.on_progress is not None:
            self.on_progress(Progress(descent.step, loss, descent.learning_rate, due, mean_iou))
            descent.learn()  # a prediction leaves the network in evaluation mode
        if descent.step % self.settings.save_every == 0 and descent.step < self.settings.iterations:
            descent.save(self._checkpoint)

    def _validated(self) -> float | None:
        """Validation mIoU in [0, 1], None if nothing is to be validated."""
        if self.validate is None:
            return None
        self.descent.judge(self.validate)
        self._say("%s: iteration %d: mIoU %.4f", self.description, self.descent.step, self.descent.last_mean_iou)
        return self.descent.last_mean_iou


def _items(count: int, settings: TrainingSettings, keys: Sequence[int | str], step: int) -> list[Item]:
    return batch_of_step(step, count, settings.batch_size, keys)


def check_division(settings: TrainingSettings, processes: int, device: torch.device) -> None:
    """Refuse a batch that the processes and their passes cannot share. Raises InputError."""
    size = settings.batch_size
    passes = settings.accumulation
    if size % (processes * passes):
        raise InputError(
            f"training.batch_size is {size}, which cannot be divided equally among {processes} processes with "
            f"training.accumulation={passes} passes each: make it a multiple of {processes * passes}"
        )
    synchronised = settings.batchnorm == "synchronised"
    if synchronised and processes > 1 and device.type != "cuda":
        raise InputError(
            "training.batchnorm is synchronised, which PyTorch has for GPUs only: on a CPU set it to frozen or batch"
        )
    if settings.batchnorm != "frozen" and size == processes * passes and not (synchronised and processes > 1):
        raise InputError(
            f"training.batch_size is {size}, a single image for each pass of each process, but BatchNorm needs two: "
            "raise it, lower training.accumulation, or set training.batchnorm=frozen"
        )


def _seed_of_step(keys: Sequence[int | str], step: int, processes: Processes) -> int:
    """For dropout, and whatever a backbone draws: of every process its own."""
    return seed_of(*keys, "step", step, *([processes.rank] if processes.count > 1 else []))


def _is_due(step: int, settings: TrainingSettings) -> bool:
    """Whether the network is validated after this step."""
    every = settings.validate_every
    return step == settings.iterations or (every > 0 and step % every == 0)


def _finish(descent: Descent, folder: Path, description: str) -> TrainingResult:
    """Write the weights; the checkpoint is no longer needed."""
    last = weights_of(descent.network)
    for name, weights in (("best", descent.best_weights or last), ("last", last)):
        with atomic_path(folder / f"{name}.safetensors") as temporary:
            temporary.write_bytes(safetensors.save(weights))  # its save_file makes files that only the owner can read
    (folder / "training.pt").unlink(missing_ok=True)
    _log.info("%s: finished after %.0f s", description, descent.seconds)
    return TrainingResult(
        iterations=descent.step,
        best_iteration=descent.best_iteration or descent.step,
        best_mean_iou=descent.best_mean_iou if descent.best_weights else None,
        last_mean_iou=None if math.isnan(descent.last_mean_iou) else descent.last_mean_iou,
        seconds=descent.seconds,
    )
