"""One arm, from labelled and unlabelled images to its numbers."""

from __future__ import annotations

import dataclasses
import logging
from functools import partial

from torch import nn
from typing_extensions import TypedDict  # pydantic wants it before Python 3.12

from a2lc.evaluation.metrics import ConfusionMatrix
from a2lc.foundation.errors import InputError
from a2lc.foundation.files import read_json, write_json
from a2lc.foundation.processes import on_main
from a2lc.foundation.readers.schema import record
from a2lc.foundation.seeding import seed_of
from a2lc.segmentation import (
    DeepLabV3Plus,
    TrainingResult,
    TrainingSettings,
    build_network,
    load_weights,
    make_objective,
)
from a2lc.segmentation.consistency import train_with_teacher
from a2lc.semi_supervised.arm import METRICS, Arm
from a2lc.semi_supervised.data import Share, labelled_images, share_of, unlabelled_images
from a2lc.semi_supervised.validation import mean_iou, validate

_log = logging.getLogger(__name__)
_TRAINED = "training.json"
_REMEDY = "delete it, and the same command trains this network again"


@record
class _Trained(TypedDict):
    """What training.json must hold."""

    iterations: int
    best_mean_iou: float | None
    last_mean_iou: float | None
    seconds: float


def train_arm(arm: Arm) -> None:
    """Train and measure; what is done already is skipped. All processes train one network together.

    Raises:
        InputError: When the data are unfit, or the training diverges.
    """
    if arm.has(METRICS):
        return
    share = share_of(arm)
    if not arm.has(_TRAINED):
        _train(arm, share)
    network = _network(arm)
    load_weights(network, arm.folder / "last.safetensors")
    _write_metrics(arm, share, validate(arm, network))


def _train(arm: Arm, share: Share) -> None:
    _log.info("%s: %d labelled images, %s", arm.description, len(share.labelled), share.told)
    classes = arm.dataset.classes
    result = train_with_teacher(
        _network(arm),
        labelled_images(arm, share),
        unlabelled_images(arm, share),
        _training(arm, share),
        arm.settings.consistency,
        num_classes=len(classes),
        folder=arm.folder,
        keys=(arm.seed, "train"),
        device=arm.device,
        void=classes.void,
        processes=arm.processes,
        validate=partial(_validated, arm) if arm.dataset.validation_truth else None,
        description=arm.description,
    )
    _write_trained(arm, result)


def _network(arm: Arm) -> DeepLabV3Plus:
    """The network with its initial weights, the same for all arms of a seed."""
    classes = arm.dataset.classes
    channels = make_objective(arm.settings.training, len(classes), classes.void).channels
    return build_network(arm.settings.network, channels, seed_of(arm.seed, "network")).to(arm.device)


def _training(arm: Arm, share: Share) -> TrainingSettings:
    """The settings with as many iterations as the epochs have."""
    training = arm.settings.training
    if arm.settings.epochs is None:
        return training
    batches = len(share.unlabelled) // training.batch_size
    if not batches:
        raise InputError(
            f"epochs is set, but {len(share.unlabelled)} unlabelled images fill no batch of {training.batch_size}: set "
            "epochs=null and training.iterations"
        )
    return training.model_copy(update={"iterations": arm.settings.epochs * batches})


def _validated(arm: Arm, network: nn.Module) -> float:
    confusion = validate(arm, network)
    assert confusion is not None
    return mean_iou(arm, confusion)


@on_main
def _write_trained(arm: Arm, result: TrainingResult) -> None:
    """The network is trained."""
    write_json(arm.folder / _TRAINED, dataclasses.asdict(result))


@on_main
def _write_metrics(arm: Arm, share: Share, confusion: ConfusionMatrix | None) -> None:
    """The arm is done; `confusion` is of the last weights."""
    trained = read_json(arm.folder / _TRAINED, _Trained, _REMEDY)
    measured = confusion.to_metrics().to_dict() if confusion else {}
    names = arm.dataset.classes.names
    settings = arm.settings
    write_json(
        arm.folder / METRICS,
        {
            "method": settings.method,
            "objective": settings.training.objective,
            "backbone": settings.network.backbone,
            "crop": max(settings.training.crop),
            "split": arm.split,
            "labelled": len(share.labelled),
            "unlabelled": len(share.unlabelled),
            "labelled_from": share.told,
            "iterations": trained["iterations"],
            "model_miou_best": trained["best_mean_iou"],
            "model_miou_last": trained["last_mean_iou"],
            "model_miou_present": measured.get("mean_iou_present"),
            "pixel_accuracy": measured.get("accuracy"),
            "seconds": round(trained["seconds"], 3),
            "class_iou": dict(zip(names, measured.get("class_iou", ()), strict=False)),
        },
    )
