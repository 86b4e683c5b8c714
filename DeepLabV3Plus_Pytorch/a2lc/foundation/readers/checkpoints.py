"""Reading checkpoints of PyTorch; of the pickle in them only what holds plain data and tensors is read."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from a2lc.foundation.errors import InputError, refuse
from a2lc.foundation.readers.text import REPLACE, check_regular


def read_checkpoint(path: Path, keys: Mapping[str, type | tuple[type, ...]], remedy: str = REPLACE) -> dict[str, Any]:
    """Read a checkpoint of our own onto the CPU.

    Args:
        path: The file.
        keys: What it must hold: the type of the value by key.
        remedy: What to do about a damaged one.

    Raises:
        InputError: When the file cannot be read, or holds something else.
    """
    check_regular(path)
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception:  # unpickling bytes that are no pickle raises anything, and tells nothing
        raise InputError(f"{path} cannot be read: {remedy}") from None
    if not isinstance(state, dict):
        raise InputError(f"{path} holds a {type(state).__name__}, expected named values: {remedy}")
    problems = [f"'{key}' is missing" for key in keys if key not in state]
    problems += [
        f"'{key}' is a {type(state[key]).__name__}"
        for key, kind in keys.items()
        if key in state and not isinstance(state[key], kind)
    ]
    refuse(f"{path} does not hold what was expected: {remedy}", problems)
    return state


def check_weights(weights: Mapping[Any, Any], path: Path, remedy: str = "give other weights") -> None:
    """Refuse weights that are no numbers: every map they predict would be void of meaning, and no error told.

    Raises:
        InputError: When something else than named tensors is among them, or a tensor holds NaN or infinity.
    """
    if not weights or not all(isinstance(name, str) and isinstance(value, Tensor) for name, value in weights.items()):
        raise InputError(f"{path} holds something else than named tensors: {remedy}")
    broken = [name for name, tensor in weights.items() if tensor.is_floating_point() and not tensor.isfinite().all()]
    if broken:
        raise InputError(
            f"{path} holds NaN or infinity in {len(broken)} of {len(weights)} tensors ({broken[0]}), so its training "
            f"had diverged: {remedy}"
        )


def reason(error: Exception) -> str:
    """What went wrong, short enough for a sentence."""
    return textwrap.shorten(str(error), 100) or type(error).__name__
