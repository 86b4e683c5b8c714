"""Names that come from outside: ids of images and names of experiments, which become paths below a folder."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath

from a2lc.foundation.errors import InputError, refuse

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
    if text.isascii() and text.isprintable() and "\\" not in text and ":" not in text:
        return _part_problem(text)
    if any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in text):
        return "holds a control character or a line break"
    if PurePosixPath(text).is_absolute() or PureWindowsPath(text).drive or "\\" in text:
        return "is an absolute path or holds a drive or a backslash"
    return _part_problem(text)


def _part_problem(text: str) -> str | None:
    """What is wrong with a part of a name."""
    if text.startswith("/"):
        return "is an absolute path or holds a drive or a backslash"
    parts = text.split("/")
    if any(part in ("", ".", "..") for part in parts):
        return "holds an empty part, '.' or '..'"
    if any(len(part.encode()) > _LONGEST_PART for part in parts):
        return f"has a part that is longer than {_LONGEST_PART} bytes"
    return None


def valid_ids(texts: Sequence[object], source: Path | str) -> list[str]:
    """Check names of one source, see `valid_id`.

    Raises:
        InputError: Lists every one that cannot be a name, or stands more than once in whichever Unicode form.
    """
    names, problems = [], []
    seen: set[str] = set()
    for text in texts:
        problem = _problem(text)
        if problem:
            problems.append(f"{text!r} {problem}")
            continue
        name = unicodedata.normalize("NFC", str(text))
        if name in seen:
            problems.append(f"'{name}' stands twice")
        seen.add(name)
        names.append(name)
    refuse(f"{source} holds names that cannot be used; give names like 'photo' or 'folder/photo', each once", problems)
    return names


def folded(text: str) -> str:
    """A name as far as people tell names apart: without case, Unicode form and additional blanks.

    Example:
        >>> folded("Straße") == folded("STRASSE ")
        True
    """
    plain = unicodedata.normalize("NFC", text).casefold()
    return " ".join(unicodedata.normalize("NFC", plain).split())


class Names:
    """Finds names as people and their programs write them: exactly; in another Unicode form or with blanks around; in
    another case; without leading zeros, which spreadsheets take away. A way of writing that fits two names fits none.

    Example:
        >>> Names(["Car", "007"]).find("car"), Names(["Car", "007"]).find("7"), Names(["a", "A"]).find(" a")
        ('Car', '007', 'a')
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._names = set(names)
        self._by_form: list[dict[str, set[str]]] = [{} for _ in _FORMS]
        for name in self._names:
            for form, table in zip(_FORMS, self._by_form, strict=True):
                table.setdefault(form(name), set()).add(name)

    def find(self, written: str) -> str | None:
        """The name that is meant; None where there is none, or more than one."""
        if written in self._names:
            return written
        for form, table in zip(_FORMS, self._by_form, strict=True):
            found = table.get(form(written), set())
            if found:
                return next(iter(found)) if len(found) == 1 else None
        return None


def _stripped(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip()


def _number(text: str) -> str:
    return folded(text).lstrip("0") if text.strip().isdecimal() else folded(text)


_FORMS = (_stripped, folded, _number)


def below(folder: Path, relative: str, suffix: str = "") -> Path:
    """Join a name to a folder that may hold links to elsewhere, as data sets do.

    A file that is there under the name in decomposed Unicode, as macOS writes it, is found.

    Args:
        folder: The folder.
        relative: A name as `valid_id` takes it.
        suffix: What is put behind the name, for example ".png".

    Raises:
        InputError: When the name is not valid.
    """
    path = folder / f"{valid_id(relative, folder)}{suffix}"
    if relative.isascii() or path.exists():
        return path
    decomposed = folder / f"{unicodedata.normalize('NFD', relative)}{suffix}"
    return decomposed if decomposed.exists() else path


def inside(folder: Path, relative: str, suffix: str = "") -> Path:
    """Join a name to a folder as `below`, and refuse to leave the folder by links, too.

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
    path = below(folder, relative, suffix)
    try:
        leaves = not path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError) as error:  # a link that leads back to itself
        raise InputError(f"{path} cannot be followed ({error}): remove the link") from None
    if leaves:
        raise InputError(f"{path} leads out of {folder} by a link: remove the link, or rename the image")
    return path
