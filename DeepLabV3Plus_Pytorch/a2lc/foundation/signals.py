"""Signals that ask a command to end: it unwinds as after ctrl-C, so that nothing half done and no worker stays."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

_ENDING = (signal.SIGTERM, signal.SIGHUP)
_BASE = 128  # exit code of a program that a signal ended, by the custom of shells: this and the signal's number


class Stopped(KeyboardInterrupt):
    """A signal asks the command to end.

    Attributes:
        signal: Which.
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self.signal = signal.Signals(number)


@contextmanager
def unwound() -> Iterator[None]:
    """Raise `Stopped` in the block when a signal asks to end; a second one ends the process at once.

    A signal that is ignored (as nohup has it) or handled by others stays so. Only the main thread can listen.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    listened = [number for number in _ENDING if signal.getsignal(number) is signal.SIG_DFL]
    for number in listened:
        signal.signal(number, _stop)
    try:
        yield
    finally:
        for number in listened:
            signal.signal(number, signal.SIG_DFL)


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    for other in _ENDING:
        if signal.getsignal(other) is _stop:
            signal.signal(other, signal.SIG_DFL)
    raise Stopped(number)


def ending(error: KeyboardInterrupt) -> tuple[int, str]:
    """Exit code and sentence of a command that was asked to end."""
    number = error.signal if isinstance(error, Stopped) else signal.SIGINT
    by = f" by {number.name}" if isinstance(error, Stopped) else ""
    return _BASE + number, f"stopped{by}; the same command continues from here"
