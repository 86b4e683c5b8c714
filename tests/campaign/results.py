"""What a command left behind, times aside: two runs of the same command leave the same."""

from __future__ import annotations

import csv
import hashlib
import json
import re
import sqlite3
from pathlib import Path
from typing import Any

_TIMES = re.compile(r"seconds|time|digest|^key$")  # names of columns: times, what hangs on them, random keys
_UNCOMPARED = ("log.txt", "summary.md", "report.html", "DONE", ".inputs_seen.json", "seconds.json")
_UNFINISHED = re.compile(r"^\.part\.|^\.unfinished$|^training\.pt$|-(journal|wal|shm)$|\.tmp$")


def results(folder: Path) -> dict[str, str]:
    """A digest of the content of every file below a folder."""
    return {str(path.relative_to(folder)): _digest(path) for path in sorted(folder.rglob("*")) if path.is_file()}


def leftovers(folder: Path) -> list[str]:
    """Files that only unfinished work has."""
    return [str(path.relative_to(folder)) for path in folder.rglob("*") if _UNFINISHED.search(path.name)]


def _digest(path: Path) -> str:
    if path.name in _UNCOMPARED:
        return "not compared"
    if path.suffix == ".sqlite":
        content = _rows(path)
    elif path.suffix == ".json":
        content = _json(path)
    elif path.suffix == ".csv":
        with path.open(newline="", encoding="utf-8") as file:
            content = [_timeless(row) for row in csv.DictReader(file)]
    else:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    return hashlib.sha256(repr(content).encode()).hexdigest()


def _json(path: Path) -> Any:
    """What a JSON file says, times aside; of one that is cut off its text."""
    text = path.read_text(encoding="utf-8")
    try:
        return _timeless(json.loads(text))
    except json.JSONDecodeError:
        return text


def _timeless(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {key: _timeless(item) for key, item in value.items() if not _TIMES.search(str(key))}


def _rows(path: Path) -> list[Any]:
    """Every row of every table."""
    connection = sqlite3.connect(path)
    connection.row_factory = sqlite3.Row
    names = [
        name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    ]
    rows = [(name, [_timeless(dict(row)) for row in connection.execute(f'SELECT * FROM "{name}"')]) for name in names]
    rows = [(name, entries) for name, entries in rows if name != "files"]  # of a file the newest entry counts
    connection.close()
    return rows
