"""How far a loop is, where nobody looks at a terminal."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from a2lc.foundation.bars import Lines, bar


def seconds_apart(step: float) -> Iterator[float]:
    now = 0.0
    while True:
        yield now
        now += step


def lines_of(caplog: pytest.LogCaptureFixture, total: int | None, step: float, initial: int = 0) -> list[str]:
    """What is logged of a loop whose steps take so many seconds each."""
    clock = seconds_apart(step)
    with caplog.at_level(logging.INFO, "a2lc"):
        items = range(initial, total or 100)
        assert list(Lines(items, "score", total, initial=initial, clock=lambda: next(clock))) == list(items)
    return caplog.messages


def test_a_line_a_minute_with_rate_and_time_left(caplog: pytest.LogCaptureFixture) -> None:
    assert lines_of(caplog, 100, 2.0) == [
        "score: 30 of 100 img, 2 s/img, 2 min 20 s left",
        "score: 60 of 100 img, 2 s/img, 1 min 20 s left",
        "score: 90 of 100 img, 2 s/img, 20 s left",
    ]


def test_what_was_done_before_does_not_count_for_the_rate(caplog: pytest.LogCaptureFixture) -> None:
    assert lines_of(caplog, 1000, 0.25, initial=700) == ["score: 940 of 1,000 img, 4 img/s, 15 s left"]


def test_without_a_total_nothing_is_foretold(caplog: pytest.LogCaptureFixture) -> None:
    assert lines_of(caplog, None, 1.0) == ["score: 60 img, 1 img/s"]


def test_a_short_loop_and_a_hidden_one_say_nothing(caplog: pytest.LogCaptureFixture) -> None:
    assert lines_of(caplog, 5, 1.0) == []
    clock = seconds_apart(100)
    with caplog.at_level(logging.INFO, "a2lc"):
        list(Lines(range(9), "score", 9, hidden=True, clock=lambda: next(clock)))
    assert caplog.messages == []


@pytest.mark.parametrize("terminal", [True, False])
def test_it_is_used_the_same_in_a_terminal_and_elsewhere(terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal, raising=False)
    assert list(bar(iter("ab"), "letters", 2, leave=False)) == ["a", "b"]
    with bar(description="steps", total=3, unit="it", initial=1) as steps:
        steps.set_postfix(loss="0.1", refresh=False)
        steps.update()
        steps.update(1)
