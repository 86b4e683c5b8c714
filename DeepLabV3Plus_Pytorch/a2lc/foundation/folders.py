"""Making folders: why one cannot be made is told in a sentence, and what was made for nothing vanishes again."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from a2lc.foundation.errors import InputError

# why a path cannot be a folder; access and room are told by `a2lc.foundation.machine_errors`
_REASONS = {
    errno.ENAMETOOLONG: "has a name that is too long for this file system: choose a shorter one",
    errno.ELOOP: "is a link that leads back to itself: choose a new folder",
    errno.ENOENT: "cannot be made on this file system: choose a new folder elsewhere",
    errno.EINVAL: "has a name that this file system does not take: choose another one",
}


@contextmanager
def made(folder: Path) -> Iterator[None]:
    """Make a folder and those above it for the block; when it fails, those of them that are still empty vanish again.

    Raises:
        InputError: When the path is a file, lies below one, is a link that leads nowhere, or cannot be a name.
    """
    new: list[Path] = []
    try:
        _make(folder, new)
        yield
    except Exception:
        for path in reversed(new):
            with suppress(OSError):  # something was written into it
                path.rmdir()
        raise


def _make(folder: Path, new: list[Path]) -> None:
    """Make every missing folder on the way, and note it in `new`, outermost first."""
    try:
        for path in reversed((folder, *folder.parents)):
            if _is_missing(path):
                path.mkdir(exist_ok=True)
                new.append(path)
    except InputError:
        raise
    except ValueError:
        raise InputError(f"{str(folder)!r} is no name of a folder: choose another one") from None
    except OSError as error:
        if error.errno not in _REASONS:
            raise
        raise InputError(f"{folder} {_REASONS[error.errno]}") from None


def _is_missing(path: Path) -> bool:
    """Whether there is nothing at a path; what is there and is no folder is refused."""
    try:
        path.lstat()
    except FileNotFoundError:
        return True
    if path.is_dir():
        return False
    if path.is_symlink() and not path.exists():
        raise InputError(f"{path} is a link that leads nowhere: remove it, or choose a new folder")
    raise InputError(f"{path} is a file: choose a new folder")
