"""Images to label PNGs and overlays with a trained network; needs no labels and no run."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from a2lc.classes import ClassSet
from a2lc.foundation.bars import bar
from a2lc.foundation.claims import ClaimKind
from a2lc.foundation.digests import FileDigests
from a2lc.foundation.errors import InputError
from a2lc.foundation.files import read_json, write_json
from a2lc.foundation.ids import inside
from a2lc.foundation.images import IMAGE_SUFFIXES, image_size, images_by_id, read_image, write_image, write_label_map
from a2lc.foundation.locks import held
from a2lc.foundation.memory import trim_heap
from a2lc.labels.overlay import draw_overlay
from a2lc.segmentation import (
    DeepLabV3Plus,
    Features,
    NetworkSettings,
    Objective,
    TrainingSettings,
    build_network,
    load_weights,
    make_objective,
    open_features,
    predict,
)

_Seen = Callable[[str], NDArray[np.uint8] | Features]
_RECORD = "predict.json"
_TRIM_EVERY = 8  # predicted images; more often costs time, more seldom memory


def images_below(path: Path) -> dict[str, Path]:
    """The images of a folder and its sub-folders, or a single image, by image id in ascending order.

    An image id is the path below the folder without suffix. Hidden files and folders that predictions were written to
    are passed over.

    Raises:
        InputError: When there is no image, or two images share an id.
    """
    if path.is_file() and path.suffix.lower() in IMAGE_SUFFIXES:
        return {path.stem: path}
    if not path.is_dir():
        what = "is no image" if path.exists() else "does not exist"
        raise InputError(f"{path} {what}: give a folder of images or one image ({', '.join(IMAGE_SUFFIXES)})")
    predicted = {record.parent for record in path.rglob(f"*/{_RECORD}")}
    visible = (file for file in path.rglob("[!.]*") if predicted.isdisjoint(file.parents))
    return images_by_id(path, visible)


def predict_images(
    network_settings: NetworkSettings,
    weights: Path,
    images: Mapping[str, Path],
    classes: ClassSet,
    settings: TrainingSettings,
    device: torch.device,
    target: Path,
    *,
    opacity: float = 0.5,
    workers: int | None = 0,
    features: Path | None = None,
) -> int:
    """Write `labels/<id>.png` and `overlays/<id>.jpg` for every image, with classes.yaml and predict.json beside them.

    Images that have both files are skipped, so a killed prediction continues with the same call.

    Args:
        network_settings: The network that was trained.
        weights: Checkpoint that `a2lc.segmentation.train` wrote.
        images: Image id → file.
        classes: Names and colours, in the order in which the network learned them.
        settings: Objective that the network was trained with, mean and standard deviation of the normalisation.
        device: Where to compute.
        target: A new folder, or one that was begun with the same weights, network, classes, normalisation and opacity.
        opacity: Of the colours in the overlays, 0 to 1.
        workers: Processes that load the next images meanwhile; None = as many as suit the machine.
        features: Where features of images may be kept, for a network that was trained on features; none are added.

    Returns:
        How many images were predicted now.

    Raises:
        InputError: When the weights belong to another network, `target` was made otherwise, or an image cannot be
            read; what was written before stays.
    """
    objective = make_objective(settings, len(classes), classes.void)
    network = build_network(network_settings.without_weights(), objective.channels, seed=0).to(device)
    load_weights(network, weights)
    _CLAIM.refuse_foreign(target)
    with held(target, keep=False):
        _CLAIM.claim(target, _record(weights, network_settings, classes, settings, opacity))
        classes.write(target / "classes.yaml")
        outputs = {image_id: _Output(target, image_id) for image_id in images}
        seen: _Seen = _Reader(images).image
        if settings.on_features and features is not None:
            seen = open_features(_Reader(images), features, network, network_settings, settings, FileDigests())
        return _predict_missing(network, objective, images, seen, outputs, classes, settings, device, opacity, workers)


def _predict_missing(
    network: DeepLabV3Plus,
    objective: Objective,
    images: Mapping[str, Path],
    seen: _Seen,
    outputs: Mapping[str, _Output],
    classes: ClassSet,
    settings: TrainingSettings,
    device: torch.device,
    opacity: float,
    workers: int | None,
) -> int:
    """Predict and write the images of which a file is missing; returns how many."""
    missing = [image_id for image_id, output in outputs.items() if not output.exists()]
    predictions = predict(network, missing, seen, settings, device, workers, objective=objective)
    done = len(images) - len(missing)
    for index, (image_id, probabilities) in enumerate(bar(predictions, "predict", len(images), initial=done)):
        if index % _TRIM_EVERY == 0:
            trim_heap()
        labels = probabilities.argmax(dim=0).byte().cpu().numpy()
        outputs[image_id].write(read_image(images[image_id]), labels, classes, opacity)
    return len(missing)


@dataclass(frozen=True)
class _Reader:
    """The images of a folder, as features are kept of them; picklable, for the processes that load images."""

    images: Mapping[str, Path]

    def image_path(self, image_id: str) -> Path:
        """The file of an image."""
        return self.images[image_id]

    def size(self, image_id: str) -> tuple[int, int]:
        """(height, width) of an image."""
        return image_size(self.images[image_id])

    def image(self, image_id: str) -> NDArray[np.uint8]:
        """RGB (H, W, 3) uint8."""
        return read_image(self.images[image_id])


@dataclass(frozen=True)
class _Output:
    """The two files of an image."""

    target: Path
    image_id: str

    @property
    def _labels(self) -> Path:
        return inside(self.target / "labels", self.image_id, ".png")

    @property
    def _overlay(self) -> Path:
        return inside(self.target / "overlays", self.image_id, ".jpg")

    def exists(self) -> bool:
        """Whether both files are there."""
        return self._labels.is_file() and self._overlay.is_file()

    def write(self, image: NDArray[np.uint8], labels: NDArray[np.uint8], classes: ClassSet, opacity: float) -> None:
        """Write both files."""
        write_label_map(self._labels, labels, classes.palette())
        write_image(self._overlay, draw_overlay(image, labels, classes, opacity))


def _record(
    weights: Path, network: NetworkSettings, classes: ClassSet, settings: TrainingSettings, opacity: float
) -> dict[str, Any]:
    """All that decides about the files, as it reads back from JSON."""
    with weights.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {
        "weights": digest,
        "network": {"backbone": network.backbone, "output_stride": network.output_stride, "rates": list(network.rates)},
        "classes": classes.to_dict(),
        "normalisation": {"mean": list(settings.mean), "std": list(settings.std)},
        "opacity": opacity,
    }


def _other_keys(earlier: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """The keys in which two records differ."""
    return [key for key in now if earlier.get(key) != now[key]]


_CLAIM: ClaimKind[Mapping[str, Any]] = ClaimKind(
    name=_RECORD,
    read=lambda path: dict(read_json(path)),
    write=write_json,
    difference=_other_keys,
    foreign="{folder} is not empty: choose a new folder, nothing is overwritten",
    damaged="{path} is not what a prediction writes ({error}): choose a new folder",
    other="{folder} was predicted with other {keys}: choose a new folder, or delete it",
)
