"""Signals that ask a command to end: it unwinds, and what handled or ignored them before stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from a2lc.foundation.files import atomic_path, write_text
from a2lc.foundation.signals import Stopped, ending, unwound


@pytest.fixture
def by_default() -> Iterator[None]:
    """Signals as they are at first: whoever started the tests may ignore some, as nohup does."""
    first = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL, signal.SIGHUP: signal.SIG_DFL}
    before = {number: signal.signal(number, handler) for number, handler in first.items()}
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


@pytest.mark.usefixtures("by_default")
def test_ctrl_c() -> None:
    assert ending(KeyboardInterrupt())[0] == 130
    with pytest.raises(Stopped) as stopped, unwound():
        os.kill(os.getpid(), signal.SIGINT)
    assert ending(stopped.value) == ending(KeyboardInterrupt())
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


class Ending:
    """Is asked to end where Python drops whatever is raised."""

    def __del__(self) -> None:
        os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.usefixtures("by_default")
def test_a_signal_that_python_drops_is_raised_again() -> None:
    alarm = signal.getsignal(signal.SIGALRM)
    with pytest.raises(Stopped) as stopped:
        _drop_and_wait()
    assert stopped.value.signal is signal.SIGTERM
    assert (signal.getsignal(signal.SIGALRM), signal.getitimer(signal.ITIMER_REAL)) == (alarm, (0, 0))


def _drop_and_wait() -> None:
    with unwound():
        Ending()
        threading.Event().wait(10)


# a command that is asked to end in the moment in which it starts its first worker
FORKING = """
import multiprocessing, os, signal, sys
from a2lc.foundation.signals import Stopped, ending, unwound
signal.signal(signal.SIGINT, signal.default_int_handler)
numbers = [int(number) for number in sys.argv[1:]]
os.register_at_fork(after_in_parent=lambda: numbers and os.kill(os.getpid(), numbers.pop()))
context = multiprocessing.get_context("fork")
try:
    with unwound():
        for _ in range(2):
            worker = context.Process(target=signal.pause)
            worker.start()
            worker.join(10)
except Stopped as stopped:
    for worker in multiprocessing.active_children():
        worker.kill()
    sys.exit(ending(stopped)[0])
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_a_worker_is_forked_ends_the_command(number: signal.Signals) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", FORKING, str(int(number))]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (128 + number, "")


def test_an_ignored_signal_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with unwound():
            os.kill(os.getpid(), signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
