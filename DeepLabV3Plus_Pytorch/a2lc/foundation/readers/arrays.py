"""Reading arrays: NumPy's npz and Parquet. No pickled object is read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import numpy as np
from numpy.typing import NDArray

from a2lc.foundation.errors import InputError, refuse
from a2lc.foundation.readers.text import REPLACE, check_regular

_SLACK = 2**20  # bytes that an archive may hold beyond its own size: headers

# damaged headers raise anything, a size that no machine has among it
_DAMAGE = (
    *(OSError, ValueError, EOFError, KeyError, TypeError, SyntaxError, MemoryError, OverflowError),
    *(BadZipFile, NotImplementedError, RuntimeError),
)


@dataclass(frozen=True)
class Expected:
    """What an array must be.

    Attributes:
        kind: The `kind` of its dtype: i (integers, of any sign), f (finite floats), U (texts).
        dimensions: How many.
        least: Smallest value; None = any.
        most: Largest value; None = any.
    """

    kind: str
    dimensions: int
    least: float | None = None
    most: float | None = None

    def problem(self, array: NDArray[Any]) -> str | None:
        """What is wrong with an array, as the end of a sentence; None when nothing is."""
        if array.dtype.kind not in ("iu" if self.kind == "i" else self.kind) or array.ndim != self.dimensions:
            return f"holds {array.dtype} of shape {array.shape}, expected {_KINDS[self.kind]} in {self.dimensions} axes"
        if self.kind == "U" or not array.size:
            return None
        if self.kind == "f" and not np.isfinite(array).all():
            return "holds numbers that are not finite"
        low, high = array.min(), array.max()
        least = -math.inf if self.least is None else self.least
        most = math.inf if self.most is None else self.most
        return (
            None if least <= low and high <= most else f"holds values from {low} to {high}, expected {least} to {most}"
        )


_KINDS = {"i": "integers", "f": "floats", "U": "texts"}


def check_arrays(path: Path, arrays: Mapping[str, NDArray[Any]], expected: Mapping[str, Expected], remedy: str) -> None:
    """Hold arrays against what they must be.

    Raises:
        InputError: Lists every array that is missing or something else.
    """
    problems = [f"'{name}' is missing" for name in expected if name not in arrays]
    told = {name: expected[name].problem(array) for name, array in arrays.items() if name in expected}
    problems += [f"'{name}' {problem}" for name, problem in told.items() if problem]
    refuse(f"{path} does not hold what was expected: {remedy}", problems)


def read_npz(path: Path, expected: Mapping[str, Expected], remedy: str = REPLACE) -> dict[str, NDArray[Any]]:
    """Read the arrays of an npz that was written without compression.

    Args:
        path: The file.
        expected: What must be in it, by name; what else there is, is left out.
        remedy: What to do about a damaged one.

    Raises:
        InputError: When the file cannot be read, is compressed, or holds something else.
    """
    size = check_regular(path)
    try:
        with ZipFile(path) as archive:
            inflated = sum(entry.file_size for entry in archive.infolist())
        if inflated > size + _SLACK:
            raise InputError(f"{path} is compressed, {inflated:,} bytes in {size:,}, so it is not ours: {remedy}")
        with np.load(path, allow_pickle=False) as found:
            arrays = {name: found[name] for name in expected if name in found.files}
    except InputError:
        raise
    except _DAMAGE as error:
        raise InputError(f"{path} cannot be read ({error or type(error).__name__}): {remedy}") from None
    check_arrays(path, arrays, expected, remedy)
    return arrays
