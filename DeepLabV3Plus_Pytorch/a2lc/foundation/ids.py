"""Names that come from outside: ids of images and names of experiments, which become paths below a folder."""

from __future__ import annotations

import unicodedata
from pathlib import Path, PurePosixPath, PureWindowsPath

from a2lc.foundation.errors import InputError

MaskKey = tuple[str, int]  # image id, mask id within the image
_LONGEST_PART = 240  # bytes of UTF-8: file systems take 255, and a suffix and the mark of an unfinished file are added


def valid_id(text: object, source: Path | str) -> str:
    r"""Check a name that is going to be a path below a folder, and give it in one Unicode form (NFC).

    It must be relative, with '/' between its parts, none of which is '.', '..' or longer than 240 bytes; it must hold
    no drive, no backslash and no control character.

    Args:
        text: The name, as it was read.
        source: Where it was read from, for the message.

    Raises:
        InputError: When it cannot be a name; the sentence names the source.

    Example:
        >>> valid_id("street/0001", "train.txt")
        'street/0001'
    """
    problem = _problem(text)
    if problem:
        raise InputError(f"{source}: {text!r} {problem}: give a name like 'photo' or 'folder/photo'")
    return unicodedata.normalize("NFC", str(text))


def _problem(text: object) -> str | None:
    """What is wrong with a name, as the end of a sentence; None when nothing is."""
    if not isinstance(text, str):
        return "is no text"
    if not text.strip():
        return "is empty"
    if any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in text):
        return "holds a control character or a line break"
    if PurePosixPath(text).is_absolute() or PureWindowsPath(text).drive or "\\" in text:
        return "is an absolute path or holds a drive or a backslash"
    parts = text.split("/")
    if any(part in ("", ".", "..") for part in parts):
        return "holds an empty part, '.' or '..'"
    if any(len(part.encode()) > _LONGEST_PART for part in parts):
        return f"has a part that is longer than {_LONGEST_PART} bytes"
    return None


def inside(folder: Path, relative: str, suffix: str = "") -> Path:
    """Join a name to a folder, and refuse to leave the folder, by links too.

    Args:
        folder: The folder; it may be a link itself.
        relative: A name as `valid_id` takes it.
        suffix: What is put behind the name, for example ".png".

    Raises:
        InputError: When the name is not valid or leads out of the folder.

    Example:
        >>> inside(Path("labels"), "street/0001", ".png")
        PosixPath('labels/street/0001.png')
    """
    valid_id(relative, folder)
    path = folder / f"{relative}{suffix}"
    try:
        leaves = not path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError) as error:  # a link that leads back to itself
        raise InputError(f"{path} cannot be followed ({error}): remove the link") from None
    if leaves:
        raise InputError(f"{path} leads out of {folder} by a link: remove the link, or rename the image")
    return path
