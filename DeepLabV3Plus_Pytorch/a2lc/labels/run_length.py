"""Sets of pixels as short text: runs in row-major order, "start:length start:length", for the ledger's `pixels`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def encode_runs(inside: NDArray[np.bool_]) -> str:
    """Write a set of pixels as runs.

    Args:
        inside: (H, W) bool.

    Returns:
        "start:length" of every run, in row-major order from 0, separated by spaces; "" for no pixel.
    """
    edges = np.flatnonzero(np.diff(inside.ravel().astype(np.int8), prepend=0, append=0))
    return " ".join(f"{start}:{end - start}" for start, end in edges.reshape(-1, 2).tolist())


def decode_runs(text: str, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Read what `encode_runs` wrote.

    Args:
        text: The runs.
        shape: (H, W) of the image.

    Returns:
        (H, W) bool.

    Raises:
        ValueError: When the text is no list of runs, or a run does not lie within the image.
    """
    inside = np.zeros(int(np.prod(shape)), dtype=bool)
    for run in text.split():
        start, length = map(int, run.split(":"))
        if start < 0 or length < 1 or start + length > inside.size:
            raise ValueError(f"run {run} does not lie within an image of {shape} pixels")
        inside[start : start + length] = True
    return inside.reshape(shape)
