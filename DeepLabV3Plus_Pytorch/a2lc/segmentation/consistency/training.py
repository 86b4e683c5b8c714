"""Training with labelled and unlabelled images; a killed one continues, with the teacher that it had."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from a2lc.foundation.errors import InputError
from a2lc.foundation.processes import Processes
from a2lc.foundation.seeding import seed_of
from a2lc.labels.base import LabelSource
from a2lc.segmentation.consistency.gradients import ConsistencyGradients, GivenLabels
from a2lc.segmentation.consistency.registry import METHODS
from a2lc.segmentation.consistency.samples import AloneSamples, PairedSamples, UnlabelledImages, WeakView
from a2lc.segmentation.consistency.settings import ConsistencySettings
from a2lc.segmentation.descent import Descent
from a2lc.segmentation.gradients import Gradients
from a2lc.segmentation.network import DeepLabV3Plus
from a2lc.segmentation.objectives import make_objective
from a2lc.segmentation.sampling import TrainingSamples
from a2lc.segmentation.settings import TrainingSettings
from a2lc.segmentation.training import Course, Progress, TrainingResult, check_division
from a2lc.segmentation.transforms import VOID, Augmentation

_ALONE = Processes()


@dataclass(frozen=True)
class LabelledImages:
    """Images with labels.

    Attributes:
        images: Image id → RGB (H, W, 3) uint8; must be picklable if there are workers, and so must `labels`.
        labels: Label maps (H, W) uint8 of the same size.
        ids: Which there are.
    """

    images: Callable[[str], NDArray[np.uint8]]
    labels: LabelSource
    ids: Sequence[str]


def train_with_teacher(
    network: DeepLabV3Plus,
    labelled: LabelledImages,
    unlabelled: UnlabelledImages,
    settings: TrainingSettings,
    consistency: ConsistencySettings,
    *,
    num_classes: int,
    folder: Path,
    keys: Sequence[int | str],
    device: torch.device,
    void: int = VOID,
    processes: Processes = _ALONE,
    validate: Callable[[nn.Module], float] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    description: str = "training",
) -> TrainingResult:
    """Train a network in place and leave `best.safetensors` and `last.safetensors` in `folder`.

    A batch has `settings.batch_size` labelled images and as many unlabelled ones. All other arguments are those of
    `a2lc.segmentation.train`.

    Args:
        network: The student; starts with the weights it has.
        labelled: Images with labels; may be fewer than a batch.
        unlabelled: Images without; a method that leaves them aside is an ordinary training.
        settings: How to train.
        consistency: What is learned from unlabelled images.
        num_classes: C.
        folder: Where checkpoints go.
        keys: Seed keys.
        device: Where to compute.
        void: Label of pixels that teach nothing.
        processes: Those that train together.
        validate: Network in evaluation mode → mIoU in [0, 1].
        on_progress: Called after every iteration.
        description: What the progress bar and the log call this training.

    Raises:
        InputError: When there are no images of one kind, one is unfit, the loss is not finite any more, `training.pt`
            belongs to another training, or the processes cannot divide a batch among them.
    """
    make_method = METHODS[consistency.name].make
    learned_from = unlabelled.ids if make_method else ()
    _refuse_none(labelled, unlabelled, consistency, description)
    check_division(settings, processes.count, device)
    objective = make_objective(settings, num_classes, void)
    moved = network.to(device)
    common = (moved, settings, objective, device, processes)
    gradients: Gradients = GivenLabels(*common)
    if make_method:
        gradients = ConsistencyGradients(consistency, make_method(consistency, void), *common)
    fingerprint = seed_of(
        settings.identity(), consistency.model_dump_json(), *keys, *labelled.ids, "unlabelled", *learned_from
    )
    descent = Descent(moved, settings, objective, device, fingerprint, processes, gradients)
    given = TrainingSamples(
        labelled.images, labelled.labels, labelled.ids, num_classes, Augmentation(settings, void), void
    )
    samples = PairedSamples(given, unlabelled, WeakView(settings)) if make_method else AloneSamples(given)
    course = Course(descent, settings, keys, device, processes, folder, validate, on_progress, description)
    course.begin(len(labelled.ids))
    course.go_through(course.batches(samples, partial(samples.items_of, settings.batch_size, keys)))
    return course.finish()


def _refuse_none(
    labelled: LabelledImages, unlabelled: UnlabelledImages, consistency: ConsistencySettings, description: str
) -> None:
    """Refuse a training that lacks images of one kind. Raises InputError."""
    if not labelled.ids:
        raise InputError(f"{description}: there are no labelled images")
    if not unlabelled.ids and METHODS[consistency.name].make:
        raise InputError(
            f"{description}: there are no unlabelled images, from which {consistency.name} learns: label a smaller "
            "share, or use the method supervised"
        )
