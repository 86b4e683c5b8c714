"""How far a long loop is: a bar in a terminal; in a log, or under nohup, a line a minute with rate and time left."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sized
from types import TracebackType
from typing import Any, Generic, Protocol, TypeVar

from tqdm import tqdm

from a2lc.foundation.times import duration

_log = logging.getLogger(__name__)
_EVERY = 60.0  # seconds between lines
Item = TypeVar("Item")
Made = TypeVar("Made", covariant=True)


class Bar(Protocol[Made]):
    """What shows the progress of a loop: it goes over the items, or is told of every step."""

    def __iter__(self) -> Iterator[Made]:
        """The items, one step each."""

    def __enter__(self) -> Any:
        """Itself."""

    def __exit__(self, kind: Any, error: Any, trace: Any) -> Any:
        """The end."""

    def update(self, n: int = 1) -> Any:
        """More steps are done."""

    def set_postfix(self, *, refresh: bool | None = ..., **values: Any) -> Any:
        """What stands behind the bar."""


def bar(
    items: Iterable[Item] = (),
    description: str = "",
    total: int | None = None,
    *,
    unit: str = "img",
    initial: int = 0,
    leave: bool = True,
    hidden: bool = False,
    position: int | None = None,
) -> Bar[Item]:
    """Show how far a loop is.

    Args:
        items: What is looped over; may be left out where `update` is called.
        description: What is done, in a word or two.
        total: How many steps there are; None = as many as `items` has.
        unit: What a step is.
        initial: Steps that are done already.
        leave: Whether a bar stays in the terminal when it is full.
        hidden: Whether nothing is to be shown anywhere.
        position: Line of a bar, where several processes draw one each.

    Example:
        >>> [number for number in bar(range(3), "count")]
        [0, 1, 2]
    """
    if total is None and isinstance(items, Sized):
        total = len(items)
    if sys.stderr.isatty() and not hidden:
        return tqdm(items, description, total, leave, unit=unit, initial=initial, position=position)
    return Lines(items, description, total, unit=unit, initial=initial, hidden=hidden)


class Lines(Generic[Item]):
    """A line a minute in the log, for where nobody looks at a bar; a short loop writes none.

    Args:
        items: See `bar`, as all others.
        description: What is done.
        total: How many steps there are; None = unknown.
        unit: What a step is.
        initial: Steps that are done already.
        hidden: Whether nothing is written.
        clock: Gives seconds.
    """

    def __init__(
        self,
        items: Iterable[Item],
        description: str,
        total: int | None,
        *,
        unit: str = "img",
        initial: int = 0,
        hidden: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._items = items
        self._description = description
        self._total = total
        self._unit = unit
        self._initial = initial
        self._hidden = hidden
        self._clock = clock
        self._done = initial
        self._started = self._told = clock()

    def __iter__(self) -> Iterator[Item]:
        """The items, one step each."""
        for item in self._items:
            yield item
            self.update()

    def __enter__(self) -> Lines[Item]:
        """Itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is left to do."""

    def update(self, n: int = 1) -> None:
        """More steps are done; a minute after the last line there is a new one."""
        self._done += n
        now = self._clock()
        if not self._hidden and now - self._told >= _EVERY:
            self._told = now
            _log.info("%s", self._line(now - self._started))

    def set_postfix(self, *, refresh: bool | None = True, **values: Any) -> None:
        """A line has no place for it."""

    def _line(self, passed: float) -> str:
        """How far it is, how fast, and how long it still takes."""
        rate = (self._done - self._initial) / passed
        pace = f"{rate:.3g} {self._unit}/s" if rate >= 1 else f"{1 / rate:.3g} s/{self._unit}"
        if self._total is None:
            return f"{self._description}: {self._done:,} {self._unit}, {pace}"
        left = duration(max(self._total - self._done, 0) / rate)
        return f"{self._description}: {self._done:,} of {self._total:,} {self._unit}, {pace}, {left} left"
