"""A training of the tests' size: five drawn pictures and a network of a few thousand weights."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from a2lc.foundation.errors import InputError
from a2lc.foundation.images import image_size, read_image
from a2lc.segmentation import (
    NetworkSettings,
    TrainingSettings,
    build_network,
    make_objective,
    train,
)

CPU = torch.device("cpu")
IDS = tuple(f"image_{index}" for index in range(5))
NETWORK = NetworkSettings(backbone="test_resnet", backbone_weights="none", aspp_channels=8, dropout=0.5)


def fast(**changes):
    small = {"iterations": 6, "batch_size": 2, "crop_size": 32, "validate_every": 2, "save_every": 2, "workers": 0}
    return TrainingSettings(**{**small, "learning_rate": 0.05, **changes})


OBJECTIVE = make_objective(fast(), num_classes=2)


@dataclass(frozen=True)
class Pictures:
    """Bright bands (class 1) on a dark ground (class 0); every image has its own band and size."""

    broken: str = ""
    void: bool = False
    offset: int = 0
    void_rows: int = 0

    def image(self, image_id):
        if image_id == self.broken:
            raise InputError(f"{image_id}.jpg cannot be read (truncated): replace it")
        noise = np.random.default_rng(int(image_id[-1])).integers(0, 60, (*self._band(image_id).shape, 3))
        return (noise + 150 * self._band(image_id)[..., None]).astype(np.uint8)

    def labels(self, image_id):
        band = self._band(image_id).astype(np.uint8)
        labels = np.full_like(band, 255) if self.void else band + np.uint8(self.offset)
        labels[: self.void_rows] = 255
        return labels

    def _band(self, image_id):
        index = int(image_id[-1])
        band = np.zeros((40 + index, 48), dtype=bool)
        band[:, 8 * index : 8 * index + 16] = True
        return band


def run_training(folder, pictures=None, *, ids=IDS, seed=1, network=None, **changes):
    pictures = pictures or Pictures()
    network = network or build_network(NETWORK, 2, seed=seed)
    hooks = {
        name: changes.pop(name) for name in ("validate", "on_progress", "processes", "verified") if name in changes
    }
    return train(
        network, pictures.image, pictures, ids, fast(**changes),
        num_classes=2, folder=folder, keys=(seed, 0), device=CPU, **hooks,
    )  # fmt: skip


def same(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


@dataclass
class Files:
    """As much of a data set as a cache needs; counts what is decoded."""

    folder: Path
    decoded: list[str] = field(default_factory=list)

    def image_path(self, image_id):
        return self.folder / f"{image_id}.png"

    def size(self, image_id):
        return image_size(self.image_path(image_id))

    def image(self, image_id):
        self.decoded.append(image_id)
        return read_image(self.image_path(image_id))
