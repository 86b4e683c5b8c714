"""Signals that ask a command to end: it unwinds as after ctrl-C, so that nothing half done and no worker stays."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

# what asks to end, and what handles it where nobody chose otherwise
_ENDING: dict[signal.Signals, Any] = {
    signal.SIGINT: signal.default_int_handler,
    signal.SIGTERM: signal.SIG_DFL,
    signal.SIGHUP: signal.SIG_DFL,
}
_BASE = 128  # exit code of a program that a signal ended, by the custom of shells: this and the signal's number
_AGAIN = 0.02  # seconds until a request that went under is repeated


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
    """Raise `Stopped` in the block when a signal asks to end; a second one is handled as outside the block.

    A signal that is ignored (as nohup has it) or handled by others stays so. Only the main thread can listen. Where
    Python cannot pass an exception on (in what runs when a process forks, and when an object is collected), `Stopped`
    is raised again a moment later.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    listened = [number for number, handler in _ENDING.items() if signal.getsignal(number) is handler]
    for number in listened:
        signal.signal(number, _stop)
    try:
        with _repeated():
            yield
    finally:
        _release()


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    _release()
    raise Stopped(number)


def _release() -> None:
    """Handle signals as before, so that a second one does not wait for the first."""
    for number, handler in _ENDING.items():
        if signal.getsignal(number) is _stop:
            signal.signal(number, handler)


@contextmanager
def _repeated() -> Iterator[None]:
    """Raise a `Stopped` that was dropped again, by an alarm; other exceptions that are dropped are told as before."""
    tell = sys.unraisablehook
    rung: Any = signal.getsignal(signal.SIGALRM)

    def again(dropped: UnraisableHookArgs) -> None:
        if isinstance(dropped.exc_value, Stopped):
            signal.signal(signal.SIGALRM, partial(_raise, dropped.exc_value.signal))
            signal.setitimer(signal.ITIMER_REAL, _AGAIN)
        else:
            tell(dropped)

    sys.unraisablehook = again
    try:
        yield
    finally:
        sys.unraisablehook = tell
        if signal.getsignal(signal.SIGALRM) is not rung:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, rung)


def _raise(asked: signal.Signals, number: int, frame: FrameType | None) -> NoReturn:
    raise Stopped(asked)


def ending(error: KeyboardInterrupt) -> tuple[int, str]:
    """Exit code and sentence of a command that was asked to end."""
    number = error.signal if isinstance(error, Stopped) else signal.SIGINT
    by = f" by {number.name}" if number != signal.SIGINT else ""
    return _BASE + number, f"stopped{by}; the same command continues from here"
