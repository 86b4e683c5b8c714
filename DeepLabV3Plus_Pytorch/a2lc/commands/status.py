"""`a2lc status`: how far runs have come."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from a2lc.commands.options import StatusOptions
from a2lc.commands.request import Request
from a2lc.foundation.terminal import show
from a2lc.foundation.times import duration
from a2lc.loop.status import Place, Status, expected_places, found_places, seconds_left, status_of

_OUTPUTS = Path("outputs")


def status(request: Request[StatusOptions]) -> None:
    """Print how far every run has come; nothing is written."""
    places = _places(request)
    found = [status_of(place, request.options.lines) for place in places]
    show("\n\n".join("\n".join(_lines(one, found)) for one in found) + "\n")


def _places(request: Request[StatusOptions]) -> list[Place]:
    """The runs that are asked about: those of a folder, or of a configuration."""
    folder = _OUTPUTS if request.config is None else Path(request.config)
    if request.config is None or folder.is_dir():
        return found_places(folder)
    return expected_places(request.configs())


def _lines(one: Status, all_of_them: Sequence[Status]) -> Iterator[str]:
    """What is to be said of a run: a heading, and a line for each fact."""
    yield f"{one.place.name}: {_heading(one)}"
    rounds = one.place.config.rounds
    yield _fact("done", f"{len(one.finished)} of {rounds + 1} rounds are measured (0 to {rounds})")
    if one.holder is not None:
        yield _fact("works", f"{one.holder}" + ("" if one.runs else f", on {one.holder.work}"))
    if one.queue is not None:
        yield _fact("waits", f"for answers by people in {one.queue}")
    if one.missing:
        yield _fact("left", _estimate(one, all_of_them))
    if one.missing and one.holder is None and one.place.folder.is_dir():
        yield _fact("go on", f"a2lc run {one.place.folder / 'config.yaml'} seeds={one.place.seed}")
    for line in one.log:
        yield _fact("log", line)


def _heading(one: Status) -> str:
    if not one.missing:
        return "finished"
    if one.runs:
        return f"running ({one.missing[0]})"
    if one.queue is not None:
        return "waiting for answers"
    return f"stopped before {one.missing[0]}" if one.place.folder.is_dir() else "not begun"


def _estimate(one: Status, all_of_them: Sequence[Status]) -> str:
    """The time that is left, people's aside; and the clock when a process works on it now."""
    stages = f"{len(one.missing)} stages"
    left = seconds_left(one, all_of_them)
    if left is None:
        return f"{stages}; how long is known when one of each kind is finished"
    text = f"{stages}, about {duration(left)} by what finished ones took"
    return f"{text}: until {datetime.now() + timedelta(seconds=left):%Y-%m-%d %H:%M}" if one.runs else text


def _fact(name: str, text: str) -> str:
    return f"  {name:<6} {text}"
