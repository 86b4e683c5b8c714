"""Claiming an output folder: what decides about its files is written into it, and nothing that is there is overwritten.

`claim` is for folders that a second command continues, `new_folder` for those that are written in one go.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Generic, TypeVar

from a2lc.foundation.errors import InputError
from a2lc.foundation.files import is_there
from a2lc.foundation.folders import made
from a2lc.foundation.locks import held

Record = TypeVar("Record")
_MARK = ".unfinished"


@dataclass(frozen=True)
class ClaimKind(Generic[Record]):
    """What a folder of one kind holds its record in, and what is said when it was made otherwise.

    Attributes:
        name: File of the record, below the folder.
        read: Reads that file; raises ValueError or TypeError when it is no record.
        write: Writes it.
        difference: (earlier, now) → what differs and decides, a line each.
        foreign: Said of a folder that holds files but no record; "{folder}" stands for it.
        damaged: Said of a file that is no record: "{path}", "{error}".
        other: Said of a folder that was made otherwise: "{folder}", "{lines}" (a list), "{keys}" (joined by "and").
        own: Patterns of names that may be there before the record is.
        begun: Whether anything was made in a folder since it was claimed; where nothing was, a new record replaces the
            one that is there.
    """

    name: str
    read: Callable[[Path], Record]
    write: Callable[[Path, Record], None]
    difference: Callable[[Record, Record], list[str]]
    foreign: str
    damaged: str
    other: str
    own: tuple[str, ...] = ()
    begun: Callable[[Path], bool] = lambda folder: True

    def refuse_foreign(self, folder: Path) -> None:
        """Refuse a path that cannot be a folder, and a folder with files that are not ours; nothing is left behind.

        Raises:
            InputError: When it is one of these.
        """
        if is_there(folder / self.name):
            return
        if os.path.isdir(folder):  # noqa: PTH112  a name too long is no folder
            names = [path.name for path in folder.glob("[!.]*")]
            if not all(any(fnmatch(name, pattern) for pattern in self.own) for name in names):
                raise InputError(self.foreign.format(folder=folder))
            return
        try:
            with made(folder):
                raise _TryOut
        except _TryOut:
            pass

    def compare(self, folder: Path, record: Record) -> Record | None:
        """Compare with the record that is there.

        Returns:
            The earlier record; None where there is none, and where it is another one of which nothing was made.

        Raises:
            InputError: When the folder was made otherwise, or its record is damaged.
        """
        path = folder / self.name
        if not is_there(path):
            return None
        try:
            earlier = self.read(path)
        except (ValueError, TypeError) as error:
            raise InputError(self.damaged.format(path=path, folder=folder, error=error)) from None
        lines = self.difference(earlier, record)
        if lines and not self.begun(folder):
            return None
        if lines:
            listed = "\n".join(f"  - {line}" for line in lines)
            raise InputError(self.other.format(folder=folder, lines=listed, keys=" and ".join(lines)))
        return earlier

    def claim(self, folder: Path, record: Record) -> Record:
        """Write the record into an empty folder, or compare with the one that is there.

        Returns:
            The record with which the folder was begun.

        Raises:
            InputError: When the folder is not ours, cannot be one, or was made otherwise; nothing was changed then.
        """
        self.refuse_foreign(folder)
        earlier = self.compare(folder, record)
        if earlier is not None:
            return earlier
        self.write(folder / self.name, record)
        return record


class _TryOut(Exception):
    """Ends a block that only finds out whether a folder can be made."""


def is_unfinished(folder: Path) -> bool:
    """Whether a command was killed while it wrote this new folder."""
    return (folder / _MARK).is_file()


@contextmanager
def new_folder(folder: Path) -> Iterator[None]:
    """Hold a new folder while it is written in one go; what a killed command left there may be written again.

    Raises:
        InputError: When the folder holds files that no killed command left, cannot be one, or is written by another
            process; nothing was changed then.
    """
    is_folder = os.path.isdir(folder)  # noqa: PTH112  a name too long is no folder
    begun = is_folder and any(path.name != ".lock" for path in folder.iterdir())
    if begun and not is_unfinished(folder):
        raise InputError(f"{folder} is not empty: choose a new folder, nothing is overwritten")
    with held(folder, keep=False):
        (folder / _MARK).touch()
        yield
        (folder / _MARK).unlink()
