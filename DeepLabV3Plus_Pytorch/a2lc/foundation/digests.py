"""Digests of files, read again only where size or times say that a file may have been written since."""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from a2lc.foundation.bars import bar
from a2lc.foundation.errors import InputError
from a2lc.foundation.files import read_json, write_json

Stamp = tuple[int, int, int]
_FRESH = 2_000_000_000  # nanoseconds; a file written within them may be written again and keep its times
_THREADS = 4


class FileDigests:
    """SHA-256 of files, each remembered under the file's size and times (of content and of status).

    Copying a file or setting its time back changes one of the times, so such a file is read again; one that was
    written in the last two seconds is never taken from memory, for file systems count time in steps.

    Example:
        >>> from tempfile import mkdtemp
        >>> path = Path(mkdtemp()) / "photo.jpg"
        >>> path.write_bytes(b"foo")
        3
        >>> FileDigests().of(path)
        '2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae'
    """

    def __init__(self) -> None:
        self._seen: dict[str, tuple[Stamp, str]] = {}

    def of(self, path: Path, *, read: bool = False) -> str:
        """Digest of one file, in hexadecimal.

        Args:
            path: The file.
            read: Read it in any case.

        Raises:
            InputError: When there is no such file.
        """
        return (None if read else self._known(path)) or self._read(path)

    def of_all(self, paths: Sequence[Path], *, read: bool = False) -> list[str]:
        """Digests of many files, in their order; see `of`. A bar shows how far it is where much is read."""
        known = [None if read else self._known(path) for path in paths]
        unknown = [path for path, digest in zip(paths, known, strict=True) if digest is None]
        with ThreadPoolExecutor(_THREADS) as pool:
            reading = pool.map(self._read, unknown)
            shown = bar(reading, "fingerprints", len(unknown), unit="file", leave=False, hidden=not unknown)
            found = iter(list(shown))
        return [digest or next(found) for digest in known]

    def recall(self, path: Path) -> None:
        """Remember what `keep` wrote, too. A file that is missing or damaged costs only time."""
        with suppress(OSError, ValueError, TypeError, AttributeError):
            kept = {name: ((size, *times), digest) for name, (size, *times, digest) in read_json(path).items()}
            self._seen = kept | self._seen

    def keep(self, path: Path) -> None:
        """Write what is remembered, where it is not written already. It holds for this machine alone."""
        kept = {name: [*stamp, digest] for name, (stamp, digest) in sorted(self._seen.items())}
        with suppress(OSError, ValueError):
            if read_json(path) == kept:
                return
        write_json(path, kept)

    def _known(self, path: Path) -> str | None:
        """The digest of a file that is as it was; None of any other, and of one that is missing."""
        stamp, digest = self._seen.get(str(path.absolute()), (None, None))
        try:
            return digest if stamp == _stamp(path.stat()) else None
        except FileNotFoundError:
            return None

    def _read(self, path: Path) -> str:
        """Read a file and remember its digest, unless it may be written again without a trace."""
        now = time.time_ns()
        name = str(path.absolute())
        try:
            stamp = _stamp(path.stat())  # before reading: what is written meanwhile has another one
            digest = file_digest(path)
        except FileNotFoundError:
            raise InputError(f"{path} does not exist: put it back") from None
        self._seen.pop(name, None)
        if max(stamp[1:]) < now - _FRESH:
            self._seen[name] = stamp, digest
        return digest


def file_digest(path: Path) -> str:
    """SHA-256 of the content of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def refuse_damaged(path: Path, digest: str) -> None:
    """Refuse a file in the cache of the Hugging Face hub that is not what the hub publishes.

    The hub publishes the SHA-256 of large files, by which its cache names them; of a file elsewhere nothing is known.

    Args:
        path: The file, as a rule a link into the cache.
        digest: Its SHA-256, in hexadecimal.

    Raises:
        InputError: When the file has another SHA-256 than its name in the cache says.
    """
    stored = path.resolve()
    is_published = stored.parent.name == "blobs" and re.fullmatch("[0-9a-f]{64}", stored.name)
    if is_published and stored.name != digest:
        raise InputError(
            f"{path} is damaged: its SHA-256 is {digest}, the hub publishes {stored.name}; delete {stored}, and the "
            "same command downloads it again"
        )


def _stamp(status: os.stat_result) -> Stamp:
    """Size in bytes, and the times of content and status in nanoseconds."""
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns
