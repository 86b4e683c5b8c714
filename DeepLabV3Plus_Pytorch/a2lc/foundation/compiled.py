"""Compiling numerical functions, with what is compiled kept between runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit


def compiled(**options: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorate a function to be compiled at its first call; the result is kept on disk where there is a place for it.

    Args:
        options: Of `numba.njit`.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        try:
            fast: Callable[..., Any] = njit(cache=True, **options)(function)
        except RuntimeError:  # neither the package's folder nor the user's can be written to
            fast = njit(**options)(function)
        return fast

    return decorate
