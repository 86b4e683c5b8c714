"""Holding a folder against other processes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from a2lc.foundation.errors import InputError


@contextmanager
def held(folder: Path, name: str = ".lock") -> Iterator[Path]:
    """Hold a folder, made if needed, for the time of the block; yields the path of the lock file in it.

    Raises:
        InputError: When another process holds the lock of that name.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / name)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise InputError(f"{folder} is in use by another process: wait for it or stop it") from None
    try:
        yield folder / name
    finally:
        lock.release()
