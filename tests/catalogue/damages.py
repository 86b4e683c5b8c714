"""Ways to damage a file: small functions that change one path, each with a name, put together by `damaged`."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

Change = Callable[[Path], None]  # changes what stands at a path


@dataclass(frozen=True)
class Damage:
    """One way to damage a file.

    Attributes:
        name: What is wrong afterwards, in words.
        change: Does it.
        says: Pattern of what the message must hold beside the file's name.
        ends: Exit code: 2 where the file has to be refused, 0 where it has to be understood all the same.
    """

    name: str
    change: Change
    says: str = ""
    ends: int = 2


# ---- any file


def holding(content: bytes | str) -> Change:
    """Replace the content."""
    data = content.encode() if isinstance(content, str) else content

    def change(path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    return change


def cut(share: float) -> Change:
    """Keep the first part of the bytes."""

    def change(path: Path) -> None:
        whole = path.read_bytes()
        path.write_bytes(whole[: int(share * len(whole))])

    return change


def encoded(encoding: str) -> Change:
    """Write a text in another encoding; a character that tells encodings apart is added in a comment."""

    def change(path: Path) -> None:
        text = path.read_text(encoding="utf-8")
        note = f"# Straße é\n{text}" if path.suffix == ".yaml" else f"{text.rstrip()}Straße é\n"
        path.write_bytes(note.encode(encoding))

    return change


def missing(path: Path) -> None:
    """Remove the file."""
    path.unlink()


def folder_instead(path: Path) -> None:
    """Put a folder in its place."""
    path.unlink()
    path.mkdir()


def dangling_link(path: Path) -> None:
    """Put a link that leads nowhere in its place."""
    path.unlink()
    path.symlink_to("nowhere/to/be/found")


def link_loop(path: Path) -> None:
    """Put a link to itself in its place."""
    path.unlink()
    path.symlink_to(path.name)


def fifo(path: Path) -> None:
    """Put a pipe into which nobody writes in its place."""
    path.unlink()
    os.mkfifo(path)


def unreadable(path: Path) -> None:
    """Take the right to read away."""
    path.chmod(0)


def sparse(size: int) -> Change:
    """Make the file huge, with a hole behind its content."""

    def change(path: Path) -> None:
        with path.open("ab") as file:
            file.truncate(size)

    return change


def replaced(pattern: str, by: str) -> Change:
    """Replace the first match in a text; there must be one."""

    def change(path: Path) -> None:
        text = path.read_text(encoding="utf-8")
        changed, count = re.subn(pattern, lambda _: by, text, count=1)
        if not count:
            raise ValueError(f"{pattern} does not occur in {path}")
        path.write_bytes(changed.encode("utf-8", "surrogatepass"))

    return change


def appended(text: str) -> Change:
    """Add lines at the end."""

    def change(path: Path) -> None:
        path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8", newline="")

    return change


def together(*changes: Change) -> Change:
    """One change after the other."""

    def change(path: Path) -> None:
        for each in changes:
            each(path)

    return change


# ---- JSON


def edited(edit: Callable[[Any], Any]) -> Change:
    """Change the value of a JSON file; an edit that returns None changed it in place."""

    def change(path: Path) -> None:
        value = json.loads(path.read_text(encoding="utf-8"))
        result = edit(value)
        path.write_text(json.dumps(value if result is None else result), encoding="utf-8")

    return change


def setting(*keys: Any, to: Any) -> Change:
    """Set one value of a JSON file."""

    def edit(value: Any) -> None:
        for key in keys[:-1]:
            value = value[key]
        value[keys[-1]] = to

    return edited(edit)


def lacking(*keys: Any) -> Change:
    """Remove one key of a JSON file."""

    def edit(value: Any) -> None:
        for key in keys[:-1]:
            value = value[key]
        del value[keys[-1]]

    return edited(edit)


# ---- tables


def sql(*statements: str) -> Change:
    """Run statements on an SQLite file, without a look at what they break."""

    def change(path: Path) -> None:
        connection = sqlite3.connect(path)
        for statement in statements:
            connection.execute(statement)
        connection.commit()
        connection.close()

    return change


def parquet(edit: Callable[[pa.Table], pa.Table]) -> Change:
    """Change a Parquet table, its notes kept."""

    def change(path: Path) -> None:
        table = pq.read_table(path)
        pq.write_table(edit(table).replace_schema_metadata(table.schema.metadata), path)

    return change


def column(name: str, edit: Callable[[list[Any]], list[Any]], kind: pa.DataType | None = None) -> Change:
    """Change one column of a Parquet table."""

    def change(table: pa.Table) -> pa.Table:
        index = table.schema.get_field_index(name)
        values = pa.array(edit(table[name].to_pylist()), type=kind or table.schema.field(index).type)
        return table.set_column(index, name, values)

    return parquet(change)


def arrays(edit: Callable[[dict[str, Any]], None]) -> Change:
    """Change the arrays of an NPZ file."""

    def change(path: Path) -> None:
        with np.load(path) as file:
            values = {key: file[key] for key in file.files}
        edit(values)
        with path.open("wb") as target:
            np.savez(target, **values)

    return change


# ---- pictures


def picture(mode: str, size: tuple[int, int] | None = None, form: str = "PNG", value: int | None = None) -> Change:
    """Save the picture again: another mode, another size, another file format under the same name, one value."""

    def change(path: Path) -> None:
        with Image.open(path) as image:
            again = Image.new(mode, size or image.size, value) if value is not None else image.convert(mode)
            again = again.resize(size, Image.Resampling.NEAREST) if size else again
            again.save(path, format=form)

    return change


def bomb(path: Path) -> None:
    """A PNG of a few kilobytes that claims 60,000 x 60,000 pixels."""
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(100_000))) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)


# ---- weights


def tensors(edit: Callable[[dict[str, Any]], None]) -> Change:
    """Change the tensors of a safetensors file."""

    def change(path: Path) -> None:
        from safetensors import safe_open
        from safetensors.torch import load, save_file

        values = load(path.read_bytes())  # not mapped into memory: the file is written again
        with safe_open(path, "pt") as file:
            notes = file.metadata()
        edit(values)
        save_file(values, path, notes)

    return change


def pickled(value: Callable[[Path], Any]) -> Change:
    """Write a value as PyTorch writes checkpoints."""

    def change(path: Path) -> None:
        import torch

        torch.save(value(path), path)

    return change


class Malicious:
    """Leaves a file behind when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("touch ../planted",)


def malicious_pickle(path: Path) -> None:
    """A checkpoint that runs a command when it is unpickled."""
    pickled(lambda _: {"model": Malicious()})(path)


# ---- places for results


def a_file(path: Path) -> None:
    """A file of somebody's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("a diary\n")


def a_foreign_folder(path: Path) -> None:
    """A folder with somebody's file in it."""
    a_file(path / "diary.txt")


def a_dangling_link(path: Path) -> None:
    """A link that leads nowhere."""
    path.symlink_to("nowhere/at/all")


def a_link_loop(path: Path) -> None:
    """A link to itself."""
    path.symlink_to(path.name)


def a_pipe(path: Path) -> None:
    """A pipe into which nobody writes."""
    os.mkfifo(path)


def copied_to(name: str) -> Change:
    """Copy the file under another name beside it."""

    def change(path: Path) -> None:
        shutil.copy(path, path.with_name(name))

    return change


def nothing(path: Path) -> None:
    """Change nothing: the command line itself is bad."""


NOISE = bytes(np.random.default_rng(7).integers(0, 256, 3000, dtype=np.uint8))

# what can happen to every file
ANY_FILE = (
    Damage("empty", holding(b"")),
    Damage("noise", holding(NOISE)),
    Damage("zeros", holding(bytes(4096))),
    Damage("a folder instead", folder_instead),
    Damage("a dangling link", dangling_link),
    Damage("a link loop", link_loop),
    Damage("a pipe", fifo),
    Damage("unreadable", unreadable),
)
CUT = Damage("cut", cut(0.6))
GONE = Damage("missing", missing)
UTF16 = Damage("UTF-16", encoded("utf-16"))
LATIN1 = Damage("Latin-1", encoded("latin-1"))
ANY_TEXT = (*ANY_FILE, UTF16, LATIN1)
DEEP_JSON = Damage("100,000 deep", holding("[" * 100_000 + "]" * 100_000))
ANY_JSON = (
    *ANY_TEXT,
    CUT,
    DEEP_JSON,
    Damage("a list", holding("[1, 2]")),
    Damage("null", holding("null")),
    Damage("a number", holding("3")),
    Damage("a text", holding('"text"')),
    Damage("not finite", holding("NaN")),
)
