"""Damage by chance: to bytes, to the values of JSON, to the cells of SQLite."""

from __future__ import annotations

import json
import random
import sqlite3
from pathlib import Path
from typing import Any

_TOKENS = (
    *(b"null", b"NaN", b"-1", b"1e999", b"9" * 50, b"[]", b"{}", b'""', b"true", b"[[[[", b"}}}}", b'"', b"'", b"\\"),
    *(b"../../x", b"/etc/passwd", b"\x00", b"\r\n", b"\xef\xbb\xbf", b"\xff\xfe", b"\xed\xa0\x80", b"\xe2\x80\xa8"),
    *(b"&a [*a]", b"*a", b"!!python/object:os.system", b"<<: ", b"? ", b"---\n", b"\t", b": ", b"- ", b"|\n", b",,,,"),
)
_VALUES: tuple[Any, ...] = (
    *(None, True, -1, 0, 3, 256, 10**30, 0.5, float("nan"), float("inf"), "", "x", "../x", "/x", "a\0b", "\ud800"),
    *([], [1], [None], {}, {"x": 1}, [[[]]], "x" * 5000),
)


def mutated(content: bytes, draw: random.Random) -> bytes:
    """A good file, damaged one to four times."""
    if draw.random() < 0.5 and (by_value := _with_other_value(content, draw)) is not None:
        content = by_value
        if draw.random() < 0.7:
            return content
    for _ in range(draw.randint(1, 4)):
        content = draw.choice((_flipped, _without, _doubled, _with_token, _shuffled))(content, draw)
    return content


def _span(content: bytes, draw: random.Random) -> tuple[int, int]:
    start = draw.randrange(len(content) + 1)
    return start, min(len(content), start + int(draw.expovariate(1 / 12)) + 1)


def _flipped(content: bytes, draw: random.Random) -> bytes:
    if not content:
        return content
    position = draw.randrange(len(content))
    return content[:position] + bytes([draw.randrange(256)]) + content[position + 1 :]


def _without(content: bytes, draw: random.Random) -> bytes:
    start, end = _span(content, draw)
    return content[:start] + content[end:] if draw.random() < 0.8 else content[:start]


def _doubled(content: bytes, draw: random.Random) -> bytes:
    start, end = _span(content, draw)
    return content[:end] + content[start:end] * draw.choice((1, 2, 500)) + content[end:]


def _with_token(content: bytes, draw: random.Random) -> bytes:
    start, end = _span(content, draw)
    return content[:start] + draw.choice(_TOKENS) + content[draw.choice((start, end)) :]


def _shuffled(content: bytes, draw: random.Random) -> bytes:
    start, end = _span(content, draw)
    other = draw.randrange(len(content) + 1)
    return content[:other] + content[start:end] + content[other:]


def _with_other_value(content: bytes, draw: random.Random) -> bytes | None:
    """JSON with one of its values replaced, removed, or named otherwise; None where it is no JSON."""
    try:
        value = json.loads(content)
    except ValueError:
        return None
    parent, key = draw.choice(list(_places([value])))
    if isinstance(parent, dict) and draw.random() < 0.3:
        parent[str(draw.choice(_VALUES))] = parent.pop(key)
    elif parent[key] is not value and draw.random() < 0.2:
        del parent[key]
    else:
        parent[key] = draw.choice(_VALUES)
    return json.dumps(value).encode("utf-8", "surrogatepass")


def _places(value: Any) -> Any:
    """Every (container, key) of a nested value."""
    keys = value.keys() if isinstance(value, dict) else range(len(value))
    for key in list(keys):
        yield value, key
        if isinstance(value[key], dict | list):
            yield from _places(value[key])


def with_other_cell(path: Path, draw: random.Random) -> None:
    """Change a cell, remove a column or a table, or leave out rows of an SQLite file."""
    connection = sqlite3.connect(path)
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    table = draw.choice(tables)
    column = draw.choice([row[1] for row in connection.execute(f'PRAGMA table_info("{table}")')])
    value = draw.choice((None, -1, 0, 7, 300, 10**18, 0.5, "", "x", "../x", "a\0b", b"\xff\xfe", "9" * 40))
    kind = draw.random()
    try:
        if kind < 0.8:
            connection.execute(f'UPDATE OR IGNORE "{table}" SET "{column}" = ?', (value,))
        elif kind < 0.87:
            connection.execute(f'ALTER TABLE "{table}" DROP COLUMN "{column}"')
        elif kind < 0.92:
            connection.execute(f'DROP TABLE "{table}"')
        else:
            connection.execute(f'DELETE FROM "{table}" WHERE random() % 2')
        connection.commit()
    except sqlite3.Error:  # a constraint: the file stays as it was
        connection.rollback()
    finally:
        connection.close()
