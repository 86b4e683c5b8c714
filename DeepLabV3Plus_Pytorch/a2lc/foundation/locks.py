"""Holding a folder against other processes, and telling who holds one."""

from __future__ import annotations

import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from a2lc.foundation.errors import InputError
from a2lc.foundation.folders import made


@dataclass(frozen=True)
class Holder:
    """Who holds a folder, as it noted in the lock file; "" and 0 where an earlier version noted nothing.

    Attributes:
        process: Process id.
        host: Its machine.
        since: When it took the folder, in ISO 8601.
        work: What it does there.
    """

    process: int = 0
    host: str = ""
    since: str = ""
    work: str = ""

    def __str__(self) -> str:
        return f"process {self.process} on {self.host} since {self.since}" if self.process else "another process"


@contextmanager
def held(folder: Path, name: str = ".lock", *, keep: bool = True, wait: bool = False, work: str = "") -> Iterator[Path]:
    """Hold a folder, made if needed, for the time of the block; yields the path of the lock file in it.

    When the block refuses (raises `InputError`), a folder and a lock file that were made here vanish again.

    Args:
        folder: What is held.
        name: Name of the lock file.
        keep: Whether the lock file stays.
        wait: Whether to wait for another process that holds it.
        work: What is done in the folder, for others who ask.

    Raises:
        InputError: When another process holds the lock of that name and is not waited for, or the folder cannot be one.
    """
    path = folder / name
    with made(folder):
        is_new = not path.exists()
        lock = _acquired(folder, path, wait)
        try:
            _note(path, Holder(os.getpid(), socket.gethostname(), _now(), work))
            yield path
        except InputError:
            if is_new:
                path.unlink(missing_ok=True)
            raise
        finally:
            _note(path, None)
            if not keep:
                with suppress(OSError):  # of a disk that gave out: the error that is under way says more
                    path.unlink(missing_ok=True)
            lock.release()


def holder(folder: Path, name: str = ".lock") -> Holder | None:
    """Who holds a folder; None = nobody. Nothing is written, and what a killed process noted does not count."""
    path = folder / name
    if not path.is_file():
        return None
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return _noted(file.read())
    return None


def _now() -> str:
    return datetime.now().astimezone().isoformat(sep=" ", timespec="seconds")


def _note(path: Path, holder: Holder | None) -> None:
    """Write who holds a lock file into it, in place: another file would be another lock. None empties it."""
    with suppress(OSError), path.open("r+", encoding="utf-8") as file:  # a full disk: the lock holds all the same
        file.truncate()
        file.write(json.dumps(asdict(holder)) if holder else "")


def _noted(content: bytes) -> Holder:
    """The note in a lock file; one without content where there is none."""
    with suppress(ValueError, TypeError):
        found = json.loads(content)
        kept = {key: type(default)(found[key]) for key, default in asdict(Holder()).items()}
        return Holder(**kept)
    return Holder()


def _acquired(folder: Path, path: Path, wait: bool) -> FileLock:
    """The lock, taken at once or, where nobody waits, never."""
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise InputError(f"{path} is no lock file but a folder or a link: remove it")
    lock = FileLock(path)
    try:
        lock.acquire(timeout=-1 if wait else 0)
    except Timeout:
        raise InputError(f"{folder} is in use by another process: wait for it or stop it") from None
    return lock
