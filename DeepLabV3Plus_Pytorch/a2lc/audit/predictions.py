"""Out-of-sample predictions: every image by the network of its fold, computed anew whenever they are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from a2lc.foundation.bars import bar
from a2lc.foundation.memory import trim_heap
from a2lc.labels.base import LabelSource
from a2lc.loop.config import RunConfig
from a2lc.segmentation import DeepLabV3Plus, Features, build_network, load_weights, make_objective, predict

_TRIM_EVERY = 8  # predicted images; more often costs time, more seldom memory


class Predictions:
    """(labels, probabilities) of every image, fold by fold, as `a2lc.quality` reads them; no probability is kept.

    Two readers that go side by side cost one computation, because the last image is remembered.

    Args:
        config: Network and normalisation.
        classes: C.
        weights: Checkpoint of each fold's network.
        fold_of: Image id → fold.
        images: Image id → RGB (H, W, 3) uint8, or its features.
        labels: The labels that are audited.
        device: Where to compute.
    """

    def __init__(
        self,
        config: RunConfig,
        classes: int,
        weights: list[Path],
        fold_of: Mapping[str, int],
        images: Callable[[str], NDArray[np.uint8] | Features],
        labels: LabelSource,
        device: torch.device,
    ) -> None:
        self.image_ids = sorted(fold_of, key=lambda image_id: fold_of[image_id])
        self._settings = config.training
        self._weights = weights
        self._fold_of = fold_of
        self._images = images
        self._labels = labels
        self._device = device
        self._objective = make_objective(config.training, classes)
        self._network = build_network(config.network.without_weights(), self._objective.channels, seed=0).to(device)
        self._loaded: int | None = None
        self._last: tuple[str, Tensor] | None = None

    def __iter__(self) -> Iterator[tuple[NDArray[np.uint8], Tensor]]:
        for index, image_id in enumerate(bar(self.image_ids, "predict", leave=False)):
            if index % _TRIM_EVERY == 0:
                trim_heap()
            yield self._labels.labels(image_id), self._probabilities(image_id)

    def _probabilities(self, image_id: str) -> Tensor:
        """(C, H, W) float32 on the device."""
        if self._last is None or self._last[0] != image_id:
            network = self._network_of(self._fold_of[image_id])
            ((_, probabilities),) = predict(
                network, [image_id], self._images, self._settings, self._device, objective=self._objective
            )
            self._last = image_id, probabilities
        return self._last[1]

    def _network_of(self, fold: int) -> DeepLabV3Plus:
        """The network that did not learn from the images of this fold."""
        if self._loaded != fold:
            load_weights(self._network, self._weights[fold])
            self._loaded = fold
        return self._network
