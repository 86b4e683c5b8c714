"""Where a run computes."""

from __future__ import annotations

import torch

from a2lc.foundation.errors import InputError
from a2lc.foundation.processes import Processes


def choose_device(name: str, deterministic: bool, processes: Processes | None = None) -> torch.device:
    """The device of a run; of several processes each has a GPU of its own.

    Raises:
        InputError: When it does not exist, or there are more processes than GPUs.
    """
    try:
        device = torch.device(("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else name)
        if processes is not None and processes.count > 1 and device.type == "cuda":
            device = _own_gpu(name, processes)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise InputError(f"device is '{name}' but it cannot be used here ({error}): set device=auto or cpu") from None
    torch.use_deterministic_algorithms(deterministic and device.type == "cuda", warn_only=True)
    return device


def _own_gpu(name: str, processes: Processes) -> torch.device:
    gpus = torch.cuda.device_count()
    if torch.device("cuda" if name == "auto" else name).index is not None or processes.local_rank >= gpus:
        raise InputError(
            f"device is '{name}' for several processes, and this machine has {gpus} GPUs: set device=auto, and start "
            "at most one process per GPU"
        )
    device = torch.device("cuda", processes.local_rank)
    torch.cuda.set_device(device)
    return device
