"""Killing a process just before one of its writes."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

_CHANGES = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate")
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def die_before(number: int | None, folder: Path, notes: Path) -> None:
    """Count the writes of this process below a folder, and kill it, as a machine would, before the one of that number.

    Args:
        number: From 0; None = never.
        folder: Where writes count; relative paths do always.
        notes: Folder of the file `writes`, which gets a byte for every write.
    """
    counter = os.open(notes / "writes", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    count = 0

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal count
        if not _writes(event, arguments) or not _is_below(arguments[0], folder):
            return
        if count == number:
            os.kill(os.getpid(), signal.SIGKILL)
        count += 1
        os.write(counter, b".")

    sys.addaudithook(watch)


def count_writes(notes: Path) -> int:
    """How many writes `die_before` has seen."""
    return (notes / "writes").stat().st_size


def _writes(event: str, arguments: tuple[Any, ...]) -> bool:
    return event in _CHANGES or (event == "open" and bool((arguments[2] or 0) & _WRITING))


def _is_below(path: Any, folder: Path) -> bool:
    if not isinstance(path, str | bytes | os.PathLike):
        return False  # a descriptor
    name = os.fsdecode(path)
    return not name.startswith("/") or name.startswith(str(folder))
