"""Loading samples in worker processes, with errors that arrive as they were raised."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset, default_collate

from a2lc.foundation.errors import InputError

_MOST_WORKERS = 8


def load_batches(
    load: Callable[[Any], Any], batches: Iterable[list[Any]], workers: int | None, device: torch.device
) -> Iterator[Any]:
    """Yield the collated samples of each batch, in order, loaded ahead by `workers` processes.

    Args:
        load: Item → sample (tensors and what else PyTorch's default collation takes); must be picklable.
        batches: The items of each batch.
        workers: Number of processes; 0 = load here, when asked; None = as many as suit the machine.
        device: Where the batches will go; they come in page-locked memory if it is a CUDA device.

    Raises:
        InputError: The first that `load` raised, unchanged.
    """
    loader = DataLoader(
        _Guarded(load),
        batch_sampler=batches,
        num_workers=worker_count(device) if workers is None else workers,
        collate_fn=_collate,
        pin_memory=device.type == "cuda",
        generator=torch.Generator(),  # the loader draws a seed for its workers: not from the global random state
    )
    for batch in loader:
        if isinstance(batch, InputError):
            raise batch
        yield batch


def worker_count(device: torch.device) -> int:
    """How many processes should load images: none on a CPU, all cores of which compute, else one per core, up to 8.

    The cores are shared by the processes that torchrun started on this machine.
    """
    if device.type == "cpu":
        return 0
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(_MOST_WORKERS, cores // int(os.environ.get("LOCAL_WORLD_SIZE", "1")))


@dataclass(frozen=True)
class _Guarded(Dataset[Any]):
    """Returns an `InputError` instead of raising it: PyTorch would wrap it into the traceback of the worker."""

    load: Callable[[Any], Any]

    def __getitem__(self, item: Any) -> Any:
        try:
            return self.load(item)
        except InputError as error:
            return error


def _collate(samples: list[Any]) -> Any:
    errors = [sample for sample in samples if isinstance(sample, InputError)]
    return errors[0] if errors else default_collate(samples)


def check_labels(image_id: str, size: tuple[int, int], labels: NDArray[np.uint8], num_classes: int, void: int) -> None:
    """Check what would otherwise fail far from its cause: (H, W) of image and labels, and every label.

    Args:
        image_id: What the message names.
        size: Height and width of the image.
        labels: (H, W) uint8.
        num_classes: C.
        void: Label of pixels that belong to no class.

    Raises:
        InputError: When the sizes differ, or a label is neither below `num_classes` nor `void`.
    """
    if size != labels.shape:
        raise InputError(
            f"image '{image_id}' is {size[0]}x{size[1]} but its label map is "
            f"{labels.shape[0]}x{labels.shape[1]} (rows x columns): make the labels again from this image"
        )
    highest = labels.max(initial=0, where=labels != void)
    if highest >= num_classes:
        raise InputError(
            f"the label map of '{image_id}' holds {highest}, but there are {num_classes} classes: "
            "use the class list that the labels were made with"
        )
