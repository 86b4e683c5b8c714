"""Signals that ask a command to end: it unwinds, and what handled or ignored them before stays."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from a2lc.foundation.files import atomic_path, write_text
from a2lc.foundation.signals import Stopped, ending, unwound


@pytest.fixture
def by_default() -> Iterator[None]:
    """Signals as they are at first: whoever started the tests may ignore SIGHUP, as nohup does."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in (signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("by_default")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_unwinds(tmp_path: Path, number: signal.Signals, code: int) -> None:
    write_text(tmp_path / "file", "before")
    with pytest.raises(Stopped) as stopped:
        _write_half(tmp_path / "file", number)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text() == "before"
    assert ending(stopped.value) == (code, f"stopped by {number.name}; the same command continues from here")
    assert signal.getsignal(number) is signal.SIG_DFL


def _write_half(path: Path, number: signal.Signals) -> None:
    with unwound(), atomic_path(path) as temporary:
        temporary.write_text("half")
        os.kill(os.getpid(), number)


def test_ctrl_c() -> None:
    assert ending(KeyboardInterrupt())[0] == 130


def test_an_ignored_signal_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with unwound():
            os.kill(os.getpid(), signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
