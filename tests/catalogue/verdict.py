"""What is wrong with how a command met a bad input."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.catalogue.row import Row
from tests.support.forked import Ended

_LONGEST = 5000  # characters of a message; lists of problems are cut at fifty lines
_HASHED = 20_000_000  # bytes; of larger files the size is compared
_REMEDY = re.compile(
    r"\b(add|allow|answer|change|check|choose|continue|convert|copy|correct|cut|delete|download|draw|export|fetch|"
    r"fill|give|import|leave|list|lower|make|mend|move|name|open|pass|put|remove|rename|repair|replace|restore|run|save|score|"
    r"see|set|start|take|train|use|wait|write|expected|must|needs?|did you mean|"
    r"for example|at least|known:|choose from|should be)\b",
    re.IGNORECASE,
)

Snapshot = dict[str, tuple[str, ...]]


def snapshot(folder: Path) -> Snapshot:
    """Kind, rights and content of everything below a folder."""
    return dict(_entries(folder, folder))


def _entries(folder: Path, root: Path) -> Iterator[tuple[str, tuple[str, ...]]]:
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        path, status = Path(entry.path), entry.stat(follow_symlinks=False)
        name, rights = str(path.relative_to(root)), oct(stat.S_IMODE(status.st_mode))
        if entry.is_symlink():
            yield name, ("link", str(path.readlink()))
        elif entry.is_dir():
            yield name, ("folder",)
            yield from _entries(path, root)
        elif entry.is_file():
            yield name, ("file", rights, str(status.st_size), _digest(path, status.st_size))
        else:
            yield name, ("other", rights)


def _digest(path: Path, size: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if size < _HASHED else ""


def problems(row: Row, ended: Ended, before: Snapshot, after: Snapshot) -> list[str]:
    """Everything that a row forbids.

    Args:
        row: The row.
        ended: How its command ended.
        before: What stood below the folder around it; its own files below "work/".
        after: What stands there now.
    """
    found = list(_of_ending(row, ended))
    if ended.code == row.damage.ends == 2:
        found += _of_message(row, message_of(ended.errors))
    return found + list(_of_files(row, before, after))


def _of_ending(row: Row, ended: Ended) -> Iterator[str]:
    if ended.code is None:
        yield f"no end within {ended.seconds:.0f} s"
    elif "Traceback" in ended.errors:
        yield f"traceback: {_last_frame(ended.errors)}"
    elif ended.code < 0:
        yield f"ended by signal {-ended.code} (24: more than the seconds of a processor)"
    elif "memory ran out" in ended.errors:
        yield f"memory: {message_of(ended.errors)}"
    elif ended.code != row.damage.ends:
        yield f"exit code {ended.code} where {row.damage.ends} was expected: {message_of(ended.errors)[:300]}"


def _last_frame(errors: str) -> str:
    """The place in our code and the error, out of a traceback."""
    frames = re.findall(r'File "[^"]*/((?:a2lc|grounded_sam)/[^"]*)", line (\d+), in (\w+)', errors)
    place = ":".join(frames[-1]) if frames else "?"
    return f"{place}: {errors.strip().splitlines()[-1][:200]}"


def message_of(errors: str) -> str:
    """What a program said: from the line on with which a program tells what is wrong."""
    starts = [match.start() for match in re.finditer(r"^(a2lc|grounded-sam)( \S+)?: ", errors, re.MULTILINE)]
    return errors[starts[-1] :].strip() if starts else errors.strip()


def _of_message(row: Row, message: str) -> Iterator[str]:
    told = f"message: {message[:300]!r}"
    for pattern in row.says:
        if not re.search(pattern, message):
            yield f"{pattern!r} is not said; {told}"
    by_argparse = ": error: " in message  # it shows the usage above
    if not by_argparse and not _REMEDY.search(message):
        yield f"no remedy; {told}"
    if len(message) > _LONGEST:
        yield f"the message has {len(message)} characters; {told}"
    raw = [character for character in message if unicodedata.category(character) == "Cc" and character not in "\n\t\r"]
    if raw:
        yield f"control characters are printed: {raw[:5]}; {told}"


def _of_files(row: Row, before: Mapping[str, object], after: Mapping[str, object]) -> Iterator[str]:
    allowed = tuple(f"work/{path}" for path in row.command.writes)
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) == after.get(name):
            continue
        how = "written" if name not in before else "removed" if name not in after else "changed"
        inside = any(name == path or name.startswith(f"{path}/") for path in allowed)
        if not inside or (row.damage.ends and row.path and name == f"work/{row.path}"):
            yield f"{how}: {name}"
