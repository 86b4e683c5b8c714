"""Requests that are valid and cannot be meant, refused before work starts."""

from __future__ import annotations

import logging
import os
from collections.abc import Collection
from typing import TYPE_CHECKING

from a2lc.foundation.errors import InputError
from a2lc.loop.config import RunConfig
from a2lc.loop.run import Run

if TYPE_CHECKING:
    import torch

_WORKERS_PER_CORE = 4
_FEWEST_WORKERS = 16  # may be asked for on any machine
_LARGEST_CROP = 16_384  # pixels of a side
_MOST_REPEATS = 16  # of an image in a batch
_MANY_CROPS = 5_000  # that a whole network learns from
_log = logging.getLogger(__name__)


def refuse_beyond_machine(config: RunConfig) -> None:
    """Refuse more processes that load images than this machine has use for.

    Raises:
        InputError: When training.workers is more than four a core, and more than 16.
    """
    cores = len(os.sched_getaffinity(0))
    most = max(_FEWEST_WORKERS, _WORKERS_PER_CORE * cores)
    if (config.training.workers or 0) > most:
        raise InputError(
            f"training.workers is {config.training.workers} but this machine has {cores} cores for it: set at most "
            f"{most}, or leave it out"
        )


def advise(config: RunConfig, device: torch.device) -> None:
    """Recommend the schedule for laptops where a training of the whole network is going to be long."""
    crops = config.training.iterations * config.training.batch_size
    pretrained = config.network.backbone_weights != "none"
    if device.type == "cpu" and pretrained and not config.network.frozen and crops >= _MANY_CROPS:
        _log.info(
            "without a GPU this training takes long: training=frozen keeps the backbone as it is and takes minutes "
            "(docs/laptop.md)"
        )


def refuse_senseless(run: Run) -> None:
    """Refuse a run whose settings make no sense for its images or this machine.

    Raises:
        InputError: When images are in the training and in the validation set, a batch holds each image more than 16
            times, a crop has more than 16,384 pixels a side, or see `refuse_beyond_machine`.
    """
    refuse_beyond_machine(run.config)
    training = run.dataset.ids("train")
    refuse_overlap(training, run.dataset.ids("val"))
    _refuse_vast(run.config)
    batch_size = run.config.training.batch_size
    if run.config.training.iterations and batch_size > _MOST_REPEATS * len(training):
        raise InputError(
            f"training.batch_size is {batch_size} but there are {len(training)} training images: each would stand in a "
            f"batch more than {_MOST_REPEATS} times; set at most {_MOST_REPEATS * len(training)}"
        )


def _refuse_vast(config: RunConfig) -> None:
    """Refuse crops that no image fills."""
    side = max(config.training.crop)
    if side > _LARGEST_CROP:
        raise InputError(
            f"training.crop_size is {side}: set at most {_LARGEST_CROP} pixels a side, about the size of the images"
        )


def refuse_overlap(training: Collection[str], validation: Collection[str]) -> None:
    """Refuse images that a network would learn from and be measured on.

    Raises:
        InputError: When there are any; names the first and says how many.
    """
    both = sorted(set(training).intersection(validation))
    if both:
        raise InputError(
            f"'{both[0]}' is a training image and a validation image ({len(both)} are both): take it out of one of the "
            "two lists, for example train.txt or val.txt"
        )
