"""Holding a folder against other processes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from a2lc.foundation.errors import InputError
from a2lc.foundation.folders import made


@contextmanager
def held(folder: Path, name: str = ".lock", *, keep: bool = True, wait: bool = False) -> Iterator[Path]:
    """Hold a folder, made if needed, for the time of the block; yields the path of the lock file in it.

    When the block refuses (raises `InputError`), a folder and a lock file that were made here vanish again.

    Args:
        folder: What is held.
        name: Name of the lock file.
        keep: Whether the lock file stays.
        wait: Whether to wait for another process that holds it.

    Raises:
        InputError: When another process holds the lock of that name and is not waited for, or the folder cannot be one.
    """
    path = folder / name
    with made(folder):
        is_new = not path.exists()
        lock = _acquired(folder, path, wait)
        try:
            yield path
        except InputError:
            if is_new:
                path.unlink(missing_ok=True)
            raise
        finally:
            if not keep:
                with suppress(OSError):  # of a disk that gave out: the error that is under way says more
                    path.unlink(missing_ok=True)
            lock.release()


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
