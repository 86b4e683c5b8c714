"""Compiling numerical functions, with what is compiled kept between runs; the wait for the first time is announced."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from numba import njit
from numba.core import event

_log = logging.getLogger(__name__)


class _Announcer(event.Listener):
    """Says once that functions are compiled; what is read back from disk is no compilation."""

    def __init__(self) -> None:
        self._ours: set[Any] = set()
        self._told = False

    def watch(self, function: Any) -> None:
        """Announce the compilation of this function, too."""
        self._ours.add(function)

    def on_start(self, event: event.Event) -> None:
        """A compilation begins."""
        function = event.data["dispatcher"]
        if self._told or function not in self._ours:
            return
        self._told = True
        folder = function.stats.cache_path
        kept = f"kept in {folder}" if folder else "again in every run, because no folder for it can be written to"
        _log.info("compiling the kernels once, about 15 s; %s", kept)

    def on_end(self, event: event.Event) -> None:
        """A compilation has ended."""


_announcer = _Announcer()
event.register("numba:compile", _announcer)


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
        _announcer.watch(fast)
        return fast

    return decorate
