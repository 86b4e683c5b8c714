"""Atomic writes: a file is either the old one, the new one, or absent; never half of one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; when the block succeeds it is renamed to `path`.

    The temporary name is fixed (`.part.<name>`), so what a killed run leaves behind is overwritten by the next one.
    It keeps the suffix last, because writers such as Pillow choose the format by it. When the block fails, `path` stays
    as it was, nothing is left beside it, and the error gets a note that names it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".part.{path.name}")
    try:
        yield temporary
        temporary.replace(path)
    except Exception as error:
        error.add_note(f"while writing {path}")  # a full disk is told without a name, or with the temporary one
        raise
    finally:
        with suppress(OSError):  # of a read-only disk: the error that is under way says more
            temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON atomically; the same value gives the same bytes."""
    write_text(path, json.dumps(value, indent=1, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file written by `write_json`."""
    return json.loads(path.read_text(encoding="utf-8"))
