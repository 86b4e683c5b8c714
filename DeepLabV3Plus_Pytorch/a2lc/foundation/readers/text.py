"""The bytes and the text of a file: of a regular file only, of bounded size, in UTF-8."""

from __future__ import annotations

import codecs
import errno
import os
import stat
from pathlib import Path
from typing import Protocol

from a2lc.foundation.errors import InputError

MOST_BYTES = 512 * 2**20  # of any text: a manifest of a million images has a fifth of it
REPLACE = "replace it by an undamaged copy"
_AS_UTF8 = "save it as UTF-8"
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)  # those of UTF-32 begin or go on with two zeros


class Source(Protocol):
    """A path, or a file within a package."""

    def read_text(self, encoding: str) -> str:
        """All of it, with line feeds for line ends."""
        ...


def check_regular(path: Path) -> int:
    """Make sure that a path is a file that can be read to its end, before anything waits for it.

    Returns:
        Its size in bytes.

    Raises:
        InputError: When it does not exist, is a folder, a pipe, a socket or a device, or cannot be reached.
    """
    try:
        found = path.stat()
    except (OSError, ValueError) as error:  # ValueError: a name with a zero in it
        if isinstance(error, OSError) and error.errno == errno.ENOENT:
            raise InputError(f"{path} does not exist: put it there, or leave it out of what names it") from None
        raise InputError(f"{path} cannot be reached ({_reason(error)}): check the name") from None
    if stat.S_ISDIR(found.st_mode):
        raise InputError(f"{path} is a folder: expected a file, give the path of one")
    if not stat.S_ISREG(found.st_mode):
        raise InputError(f"{path} is no regular file (a pipe, a socket or a device): remove it or {REPLACE}")
    return found.st_size


def read_text(source: Source, remedy: str = REPLACE, most_bytes: int = MOST_BYTES, *, utf16: bool = False) -> str:
    """Read UTF-8 text; a byte order mark is left out, and every line ends with a line feed.

    Args:
        source: The file.
        remedy: What to do about a damaged one, as the end of a sentence.
        most_bytes: A larger file is refused.
        utf16: Whether UTF-16 is read, too, where its byte order mark says so.

    Raises:
        InputError: When the file cannot be read, is too large, in another encoding or no text.
    """
    if isinstance(source, Path) and check_regular(source) > most_bytes:
        raise InputError(f"{source} is larger than {_size(most_bytes)}, so it is no file of this kind: {remedy}")
    try:
        text = source.read_text(encoding="utf-16" if utf16 and _is_utf16(source) else "utf-8-sig")
    except OSError as error:
        raise InputError(f"{source} cannot be read ({_reason(error)}): check its permissions") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{source}{_wrong_encoding(error)}, or {remedy}") from None
    if "\0" in text:
        line = 1 + text.count("\n", 0, text.index("\0"))
        raise InputError(f"{source}, line {line}: a zero in it, so it is no text, or UTF-16: {_AS_UTF8}, or {remedy}")
    return text


def _is_utf16(source: Source) -> bool:
    """Whether a file begins with the byte order mark of UTF-16."""
    if not isinstance(source, Path):
        return False
    with source.open("rb") as file:
        return file.read(2) in _UTF16


def _wrong_encoding(error: UnicodeDecodeError) -> str:
    """What the bytes may be instead of UTF-8."""
    if error.object.startswith(_UTF16):
        return f" is UTF-16 or UTF-32 text, expected UTF-8: {_AS_UTF8}"
    line = 1 + error.object.count(b"\n", 0, error.start)
    byte = error.object[error.start]
    return f", line {line}: byte {byte:#04x} is no UTF-8, maybe Latin-1 or Windows-1252: {_AS_UTF8}"


def _reason(error: Exception) -> str:
    """What the system says, without the path, which the sentence names already."""
    return os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)


def _size(count: int) -> str:
    return f"{count / 2**20:.4g} MiB"
