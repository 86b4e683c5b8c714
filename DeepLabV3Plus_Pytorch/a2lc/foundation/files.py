"""Atomic writes: a file is either the old one, the new one, or absent; never half of one."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from a2lc.foundation.errors import InputError
from a2lc.foundation.readers.json_files import read_json
from a2lc.foundation.readers.text import check_regular

__all__ = ["atomic_path", "is_there", "read_json", "write_json", "write_text"]


def is_there(path: Path) -> bool:
    """Whether a file stands at a path; what is no file is told, because who takes it for nothing writes over it.

    Raises:
        InputError: When a link that leads nowhere stands there, a folder, a pipe, a socket or a device.
    """
    if not os.path.lexists(path):
        return False
    if path.is_symlink() and not path.exists():
        raise InputError(f"{path} is a link that leads nowhere: remove it, or put the file there that it names")
    check_regular(path)
    return True


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; when the block succeeds it is renamed to `path`, and lies on the disk.

    The temporary name is fixed (`.part.<name>`), so what a killed run leaves behind is removed by the next one, as is a
    link that stands there. It keeps the suffix last, because writers such as Pillow choose the format by it. When the
    block fails, `path` stays as it was, nothing is left beside it, and the error gets a note that names it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".part.{path.name}")
    try:
        _create(temporary)
        yield temporary
        _flush(temporary)  # before the rename: after a power cut the name must not lead to a file without content
        temporary.replace(path)
        _flush_folder(path.parent)
    except Exception as error:
        error.add_note(f"while writing {path}")  # a full disk is told without a name, or with the temporary one
        raise
    finally:
        with suppress(OSError):  # of a read-only disk: the error that is under way says more
            temporary.unlink(missing_ok=True)


def _create(path: Path) -> None:
    """Make an empty file, never through a link."""
    if path.is_dir() and not path.is_symlink():
        raise InputError(f"{path} is a folder where a file is going to be written: remove it")
    path.unlink(missing_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))


def _flush(path: Path) -> None:
    """Wait until the content of a file lies on the disk."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    """Wait until the names in a folder lie on the disk, where the system can say so."""
    with suppress(OSError):  # folders cannot be opened everywhere
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON atomically; the same value gives the same bytes."""
    write_text(path, json.dumps(value, indent=1, allow_nan=False) + "\n")
