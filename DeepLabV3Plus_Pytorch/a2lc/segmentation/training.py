"""Training by configuration: a killed training continues with the same command and ends with the same weights."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import torch as safetensors
from torch import nn
from tqdm import tqdm

from a2lc.foundation.errors import InputError
from a2lc.foundation.files import atomic_path
from a2lc.foundation.processes import Processes
from a2lc.foundation.seeding import seed_of
from a2lc.foundation.settings import Decides
from a2lc.labels.base import LabelSource
from a2lc.segmentation.descent import Descent, weights_of
from a2lc.segmentation.loading import load_batches
from a2lc.segmentation.network import DeepLabV3Plus
from a2lc.segmentation.sampling import TrainingSamples, batch_of_step
from a2lc.segmentation.settings import TrainingSettings
from a2lc.segmentation.transforms import Augmentation

_log = logging.getLogger(__name__)
_ALONE = Processes()


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
    images: Callable[[str], NDArray[np.uint8]],
    labels: LabelSource,
    image_ids: Sequence[str],
    settings: TrainingSettings,
    *,
    num_classes: int,
    folder: Path,
    keys: Sequence[int | str],
    device: torch.device,
    processes: Processes = _ALONE,
    validate: Callable[[nn.Module], float] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    description: str = "training",
) -> TrainingResult:
    """Train a network in place and leave `best.safetensors` and `last.safetensors` in `folder`.

    While the training runs, `training.pt` in `folder` holds all there is to know; where it exists, the training
    continues from it. With the same keys, CPU and thread count the weights are the same, bit by bit, whether or not
    the training was interrupted and however many workers load images.

    Several processes make every step together: each computes on its places of the same batch. All of them must call
    this with the same arguments, and see the same `folder`; the main one alone writes to it.

    Args:
        network: Starts with the weights it has; moved to `device`.
        images: Image id → RGB (H, W, 3) uint8; must be picklable if there are workers, and so must `labels`.
        labels: Label maps (H, W) uint8 of the same size, 255 = void.
        image_ids: The training images; may be fewer than a batch.
        settings: How to train.
        num_classes: C; every label is below C or void.
        folder: Where checkpoints go; made if needed.
        keys: Seed keys, for example (seed, round index).
        device: Where to compute.
        processes: Those that train together, already joined.
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
    _check_division(settings, processes.count, device)
    say = _log.info if processes.is_main else _log.debug
    say(
        "%s: %d iterations, batches of %d from %d images, on %s",
        *(description, settings.iterations, settings.batch_size, len(image_ids), device),
    )
    fingerprint = seed_of(settings.model_dump_json(exclude=settings.fields_that(Decides.SPEED)), *keys, *image_ids)
    descent, checkpoint = Descent(network.to(device), settings, device, fingerprint, processes), folder / "training.pt"
    if processes.from_main(checkpoint.exists()):
        descent.resume(checkpoint)
        say("continuing at iteration %d, from %s", descent.step, checkpoint)
    samples = TrainingSamples(images, labels, image_ids, num_classes, Augmentation(settings))
    steps = range(descent.step, settings.iterations)
    batches = (batch_of_step(step, len(image_ids), settings.batch_size, keys) for step in steps)
    loaded = load_batches(samples, (list(processes.share(batch)) for batch in batches), settings.workers, device)
    hidden = None if processes.is_main else True
    with (
        torch.random.fork_rng([device] if device.type == "cuda" else []),
        tqdm(total=settings.iterations, initial=descent.step, desc=description, unit="it", disable=hidden) as bar,
    ):
        for batch_images, batch_labels in loaded:
            torch.manual_seed(_seed_of_step(keys, descent.step, processes))
            loss = descent.advance(batch_images, batch_labels)
            bar.set_postfix(loss=f"{loss:.4f}", lr=f"{descent.learning_rate:.2g}", refresh=False)
            bar.update()
            _log.debug("iteration %d/%d loss %.4f", descent.step, settings.iterations, loss)
            due, mean_iou = _is_due(descent.step, settings), None
            if validate is not None and due:
                descent.judge(validate)
                mean_iou = descent.last_mean_iou
                say("%s: iteration %d: mIoU %.4f", description, descent.step, descent.last_mean_iou)
            if not processes.is_main:
                continue
            if on_progress is not None:
                on_progress(Progress(descent.step, loss, descent.learning_rate, due, mean_iou))
                descent.learn()  # a prediction leaves the network in evaluation mode
            if descent.step % settings.save_every == 0 and descent.step < settings.iterations:
                descent.save(checkpoint)
    result: TrainingResult = processes.from_main(_finish(descent, folder, description) if processes.is_main else None)
    return result


def _check_division(settings: TrainingSettings, processes: int, device: torch.device) -> None:
    size, passes = settings.batch_size, settings.accumulation
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
    every = settings.validate_every
    return step == settings.iterations or (every > 0 and step % every == 0)


def _finish(descent: Descent, folder: Path, description: str) -> TrainingResult:
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
