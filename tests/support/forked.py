"""Commands in processes of their own that start in milliseconds: forked from one that has imported everything."""

from __future__ import annotations

import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess as Begun
from pathlib import Path

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.support.preloaded"])


@dataclass(frozen=True)
class Limits:
    """What a command may take.

    Attributes:
        seconds: Of a processor.
        patience: Seconds by the clock; a command that waits for something uses no processor.
        data: Bytes of memory for data, beyond what the libraries take.
    """

    seconds: int = 10
    patience: float = 40.0
    data: int = 2_000_000_000


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    Attributes:
        code: Exit code; negative where a signal ended it, None where it had to be ended.
        errors: What it wrote to standard error.
        seconds: By the clock.
    """

    code: int | None
    errors: str
    seconds: float


def begin(
    command: Sequence[str],
    folder: Path,
    notes: Path,
    limits: Limits | None = None,
    prepare: Callable[[], None] | None = None,
) -> Begun:
    """Start a command in a folder.

    Args:
        command: Words; the first is a2lc or grounded-sam (with the detector of `gsam_fake`).
        folder: Where it works.
        notes: Folder for what it writes to standard output and error.
        limits: What it may take; None = anything.
        prepare: Called in the process before the command.
    """
    process = _CONTEXT.Process(target=_work, args=(list(command), folder, notes, limits, prepare), daemon=True)
    process.start()
    return process


def finish(process: Begun, notes: Path, patience: float) -> Ended:
    """Wait for a command, and kill it when it takes too long."""
    started = time.perf_counter()
    process.join(patience)
    code = process.exitcode
    if code is None:
        process.kill()
        process.join()
    errors = (notes / "stderr").read_text(encoding="utf-8", errors="replace")
    return Ended(code, errors, time.perf_counter() - started)


def run(command: Sequence[str], folder: Path, notes: Path, limits: Limits | None = None) -> Ended:
    """Run a command to its end."""
    limits = limits or Limits()
    return finish(begin(command, folder, notes, limits), notes, limits.patience)


def _work(
    command: list[str], folder: Path, notes: Path, limits: Limits | None, prepare: Callable[[], None] | None
) -> None:
    import torch

    from tests.support import gsam_fake

    for number, name in ((1, "stdout"), (2, "stderr")):
        target = os.open(notes / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(target, number)
    os.chdir(folder)
    torch.set_num_threads(1)  # results are compared bit by bit
    if limits:
        resource.setrlimit(resource.RLIMIT_CPU, (limits.seconds, limits.seconds))
        data = _data_of_this_process() + limits.data
        resource.setrlimit(resource.RLIMIT_DATA, (data, data))
    gsam_fake.install()
    if prepare:
        prepare()
    sys.exit(main_of(command[0])(command[1:]))


def _data_of_this_process() -> int:
    """Bytes that count against the limit, as Linux tells them."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith("VmData:"))


def main_of(program: str) -> Callable[[list[str]], int]:
    """The entry point of a program."""
    if program == "a2lc":
        from a2lc.cli import main
    else:
        from grounded_sam.cli import main
    return main
