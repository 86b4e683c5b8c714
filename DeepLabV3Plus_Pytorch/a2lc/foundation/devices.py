"""Where to compute."""

from __future__ import annotations

import torch

from a2lc.foundation.environment import Place
from a2lc.foundation.errors import InputError

_ALONE = Place()


def choose_device(name: str, place: Place = _ALONE, *, shared: bool = False) -> torch.device:
    """The device that a name means; nothing is set (see `prepare_device`).

    Args:
        name: auto (CUDA when there is one), cpu, cuda, cuda:1, ...
        place: Which of several processes this is: "auto" and "cuda" mean a GPU each, by local rank.
        shared: Whether several processes may share a GPU; else each must have one of its own.

    Raises:
        InputError: When the device does not exist, or there are more processes than GPUs and none may be shared.

    Example:
        >>> choose_device("cpu")
        device(type='cpu')
    """
    try:
        device = torch.device(("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else name)
        if place.count > 1 and device.type == "cuda":
            device = _gpu_of(device, place.local_rank) if shared else _own_gpu(name, device, place.local_rank)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"device is '{name}' but it cannot be used here ({reason}): set device=auto or cpu") from None
    return device


def prepare_device(device: torch.device, deterministic: bool) -> None:
    """Set up this process for its device, where the computing begins: the current GPU, and reproducible kernels.

    Args:
        device: What `choose_device` gave.
        deterministic: Bitwise reproducible on CUDA, slower; on the CPU it always is.
    """
    if device.index is not None and device.type == "cuda":
        torch.cuda.set_device(device)
    torch.use_deterministic_algorithms(deterministic and device.type == "cuda", warn_only=True)


def _gpu_of(device: torch.device, local_rank: int) -> torch.device:
    """The GPU of a process, in turn where there are fewer GPUs than processes; one that was named stays."""
    if device.index is not None:
        return device
    return torch.device("cuda", local_rank % max(torch.cuda.device_count(), 1))


def _own_gpu(name: str, device: torch.device, local_rank: int) -> torch.device:
    """The GPU that this process has for itself."""
    gpus = torch.cuda.device_count()
    if device.index is not None or local_rank >= gpus:
        raise InputError(
            f"device is '{name}' for several processes, and this machine has {gpus} GPUs: set device=auto, and start "
            "at most one process per GPU"
        )
    return torch.device("cuda", local_rank)
