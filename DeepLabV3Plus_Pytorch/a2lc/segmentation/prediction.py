"""Predicting one image at a time; no probability map is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from a2lc.evaluation.metrics import ConfusionMatrix
from a2lc.labels.base import LabelSource
from a2lc.segmentation.features import Features
from a2lc.segmentation.loading import check_labels, load_batches
from a2lc.segmentation.objectives import Objective, make_objective
from a2lc.segmentation.settings import TrainingSettings
from a2lc.segmentation.transforms import VOID, as_sample, size_of
from a2lc.segmentation.views import NativeView, View
from a2lc.segmentation.weights import copy_weights, read_weights

Images = Callable[[str], NDArray[np.uint8] | Features]
_NATIVE = NativeView()


def load_weights(network: nn.Module, path: Path) -> None:
    """Load a checkpoint that `train` wrote.

    Raises:
        InputError: When the file is missing, unreadable, or was written by a network of another shape.
    """
    copy_weights(network, read_weights(path), str(path))


def predict(
    network: nn.Module,
    image_ids: Sequence[str],
    images: Images,
    settings: TrainingSettings,
    device: torch.device,
    workers: int | None = 0,
    view: View = _NATIVE,
    *,
    objective: Objective,
) -> Iterator[tuple[str, Tensor]]:
    """Yield (image id, class probabilities) in the given order.

    Args:
        network: Already on `device`; put into evaluation mode.
        image_ids: Images to predict.
        images: Image id → RGB (H, W, 3) uint8, or its features; must be picklable if there are workers.
        settings: Mean and standard deviation of the normalisation.
        device: Where to compute.
        workers: Processes that load the next images meanwhile; None = as many as suit the machine.
        view: How the network sees an image.
        objective: What the network was trained with; reads its logits.

    Yields:
        Image id and (C, H, W) float32 on `device`; the classes of a pixel sum to 1.

    Raises:
        InputError: When an image cannot be read.
    """
    predictions = predict_views(network, image_ids, images, settings, device, [view], workers, objective=objective)
    for image_id, (probabilities,) in predictions:
        yield image_id, probabilities


def predict_views(
    network: nn.Module,
    image_ids: Sequence[str],
    images: Images,
    settings: TrainingSettings,
    device: torch.device,
    views: Sequence[View],
    workers: int | None = 0,
    *,
    objective: Objective,
) -> Iterator[tuple[str, tuple[Tensor, ...]]]:
    """Yield (image id, class probabilities in every view) in the given order; each image is read once.

    Args:
        network: Already on `device`; put into evaluation mode.
        image_ids: Images to predict.
        images: Image id → RGB (H, W, 3) uint8, or its features; must be picklable if there are workers.
        settings: Mean and standard deviation of the normalisation.
        device: Where to compute.
        views: How the network sees an image, a pass each.
        workers: Processes that load the next images meanwhile; None = as many as suit the machine.
        objective: What the network was trained with; reads its logits.

    Yields:
        Image id and, per view, (C, H, W) float32 on `device`; the classes of a pixel sum to 1.

    Raises:
        InputError: When an image cannot be read.
    """
    batches = [[image_id] for image_id in image_ids]
    predictions = predict_batches(
        network, batches, _Image(images), settings, device, views, workers, objective=objective
    )
    for image_id, (_, probabilities) in zip(image_ids, predictions, strict=True):
        yield image_id, probabilities


def predict_batches(
    network: nn.Module,
    batches: Sequence[Sequence[str]],
    load: Callable[[str], tuple[Any, ...]],
    settings: TrainingSettings,
    device: torch.device,
    views: Sequence[View],
    workers: int | None = 0,
    *,
    objective: Objective,
) -> Iterator[tuple[tuple[Tensor, ...], tuple[Tensor, ...]]]:
    """Yield what was loaded with every image, and its class probabilities in every view, in the given order.

    Args:
        network: Already on `device`; put into evaluation mode.
        batches: Images that the network sees at once; those of a batch have one size.
        load: Image id → image (3, H, W) uint8, or its features, and whatever tensors belong to it; must be
            picklable if there are workers.
        settings: Mean and standard deviation of the normalisation.
        device: Where to compute.
        views: How the network sees an image, a pass each.
        workers: Processes that load the next images meanwhile; None = as many as suit the machine.
        objective: What the network was trained with; reads its logits.

    Yields:
        For each image the tensors that `load` gave beside it, still on the CPU, and, per view, (C, H, W) float32 on
        `device`; the classes of a pixel sum to 1.

    Raises:
        InputError: When an image cannot be read.
    """
    network.eval()
    for images, *others in load_batches(load, [list(batch) for batch in batches], workers, device):
        on_device = images.to(device, non_blocking=True)
        passes = [view.probabilities(network, on_device, settings.mean, settings.std, objective) for view in views]
        for index in range(len(passes[0])):
            yield tuple(other[index] for other in others), tuple(found[index] for found in passes)


def evaluate_network(
    network: nn.Module,
    image_ids: Sequence[str],
    images: Images,
    truth: LabelSource,
    num_classes: int,
    settings: TrainingSettings,
    device: torch.device,
    void: int = VOID,
) -> ConfusionMatrix:
    """Compare the network's predictions with ground truth, pixel by pixel, at the images' own size.

    Args:
        network: Already on `device`; put into evaluation mode.
        image_ids: Images to compare.
        images: Image id → RGB (H, W, 3) uint8, or its features; must be picklable if there are workers, and so must
            `truth`.
        truth: Ground truth (H, W) uint8.
        num_classes: C.
        settings: Objective, normalisation and number of workers.
        device: Where to compute.
        void: Label of pixels that count nowhere.

    Raises:
        InputError: When an image or its ground truth is unfit.
    """
    network.eval()
    objective = make_objective(settings, num_classes, void)
    confusion = ConfusionMatrix(num_classes)
    load = _ImageAndTruth(images, truth, num_classes, void)
    for image, labels in load_batches(load, [[image_id] for image_id in image_ids], settings.workers, device):
        on_device = image.to(device, non_blocking=True)
        probabilities = _NATIVE.probabilities(network, on_device, settings.mean, settings.std, objective)
        confusion.update(labels, probabilities.argmax(dim=1))
    return confusion


@dataclass(frozen=True)
class _Image:
    images: Images

    def __call__(self, image_id: str) -> tuple[Tensor | Features]:
        return (as_sample(self.images(image_id)),)


@dataclass(frozen=True)
class _ImageAndTruth:
    images: Images
    truth: LabelSource
    num_classes: int
    void: int

    def __call__(self, image_id: str) -> tuple[Tensor | Features, Tensor]:
        image = as_sample(self.images(image_id))
        labels = self.truth.labels(image_id)
        check_labels(image_id, size_of(image), labels, self.num_classes, self.void)
        return image, torch.tensor(labels)
