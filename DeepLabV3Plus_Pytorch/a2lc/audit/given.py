"""Out-of-sample predictions that somebody else's model has made, read from files one image at a time."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from a2lc.foundation.bars import bar
from a2lc.foundation.errors import InputError, refuse
from a2lc.labels.base import LabelSource

_SUFFIXES = (".npy", ".npz")
_TOLERANCE = 1e-2  # by which a sum may miss 1; float16 rounds
_DAMAGED = (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile)  # what NumPy says about a bad file


@dataclass(frozen=True)
class PredictionFiles:
    """Class probabilities of images: `<folder>/<image id>.npy`, or .npz with one array.

    Attributes:
        folder: Where they are.
        classes: C.
        digest: Equal for equal predictions.
    """

    folder: Path
    classes: int
    digest: str

    def probabilities(self, image_id: str) -> NDArray[np.float32]:
        """(C, H, W) float32. Raises InputError when the file is missing or damaged."""
        return _read(self.folder, image_id).astype(np.float32)


def open_predictions(
    folder: Path, image_ids: Sequence[str], size: Callable[[str], tuple[int, int]], classes: int
) -> PredictionFiles:
    """Check the predictions of every image, one at a time.

    Args:
        folder: Holds a file per image, (C, H, W) float16 or float32.
        image_ids: The images.
        size: Image id → (H, W).
        classes: C.

    Raises:
        InputError: Lists every image without a file, or with one that is damaged, of another shape, or no
            probabilities: negative, not finite, or off from a sum of 1 by more than 0.01.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} does not exist: give --predictions a folder with a .npy or .npz file per image")
    digest, problems = hashlib.sha256(), []
    for image_id in bar(image_ids, "checking predictions"):
        try:
            array = _read(folder, image_id)
            _check(array, (classes, *size(image_id)))
        except InputError as error:
            problems.append(f"'{image_id}': {error}")
        else:
            digest.update(f"{image_id} {array.dtype} {array.shape} ".encode() + np.ascontiguousarray(array).tobytes())
    refuse(f"the predictions in {folder} cannot be used", problems)
    return PredictionFiles(folder, classes, digest.hexdigest())


def _read(folder: Path, image_id: str) -> NDArray[np.floating]:
    """The array of an image as it is."""
    there = [path for suffix in _SUFFIXES if (path := folder / f"{image_id}{suffix}").is_file()]
    if not there:
        raise InputError(f"there is no {folder / image_id}.npy or .npz: save the probabilities of this image")
    try:
        content = np.load(there[0], allow_pickle=False)
        if isinstance(content, np.ndarray):
            return content
        with content:
            if len(content.files) != 1:
                raise InputError(f"{there[0]} holds {len(content.files)} arrays: save one, (C, H, W)")
            array: NDArray[np.floating] = content[content.files[0]]
            return array
    except _DAMAGED as error:
        raise InputError(f"{there[0]} cannot be read as an array: save it with numpy.save ({error})") from None


def _check(array: NDArray[np.floating], shape: tuple[int, ...]) -> None:
    """Raise InputError unless it is class probabilities of that shape."""
    if array.dtype not in (np.float16, np.float32):
        raise InputError(f"its predictions are {array.dtype}: save float16 or float32")
    if array.shape != shape:
        raise InputError(
            f"its predictions are {_said(array.shape)}, expected {_said(shape)} (classes x rows x columns)"
        )
    if not np.isfinite(array).all() or array.min() < 0:
        raise InputError("its predictions are no probabilities, some are negative or not finite: apply softmax")
    worst = float(np.abs(array.sum(axis=0, dtype=np.float32) - 1).max())
    if worst > _TOLERANCE:
        raise InputError(f"the sum over the classes is off from 1 by up to {worst:.2g}: apply softmax over axis 0")


def _said(shape: tuple[int, ...]) -> str:
    """A shape as messages give it: 21x375x500."""
    return "x".join(map(str, shape))


class GivenPredictions:
    """(labels, probabilities) of every image, as `a2lc.quality` reads them; see `Predictions`.

    Args:
        files: The probabilities.
        image_ids: The images.
        labels: The labels that are audited.
        device: Where to judge.
    """

    def __init__(
        self, files: PredictionFiles, image_ids: Sequence[str], labels: LabelSource, device: torch.device
    ) -> None:
        self.image_ids = list(image_ids)
        self._files = files
        self._labels = labels
        self._device = device

    def __iter__(self) -> Iterator[tuple[NDArray[np.uint8], Tensor]]:
        for image_id in bar(self.image_ids, "read predictions", leave=False):
            probabilities = torch.from_numpy(self._files.probabilities(image_id))  # (C, H, W)
            yield self._labels.labels(image_id), probabilities.to(self._device)
