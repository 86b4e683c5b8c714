"""Damaged and malicious files: their bytes by what is wrong with them, and makers of those that need a library.

Each table of one kind of file holds nothing that a reader of that kind may take.
"""

from __future__ import annotations

import os
import pickle
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image

NO_TEXT: dict[str, bytes] = {
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "UTF-16 without mark": '{"a": 1}'.encode("utf-16-le"),
    "Latin-1": 'name: "Straße"\n'.encode("latin-1"),
    "bytes": bytes(range(256)),
    "zeros": b"\0" * 100,
}
BAD_JSON: dict[str, bytes] = {
    **NO_TEXT,
    "empty": b"",
    "blank": b" \n",
    "half": b'{"a": {"b": 1',
    "list": b"[1, 2]",
    "null": b"null",
    "text": b'"manifest"',
    "number": b"7",
    "twice": b'{"a": 1, "a": 2}',
    "not a number": b'{"a": NaN}',
    "infinite": b'{"a": 1e999}',
    "many digits": b'{"a": ' + b"9" * 10_000 + b"}",
    "deep list": b"[" * 100_000 + b"]" * 100_000,
    "deep object": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "200 deep": b'{"a":' * 200 + b"1" + b"}" * 200,
    "comment": b'// made by hand\n{"a": 1}',
}
YAML_BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]\n" for level in range(1, 10)
)
BAD_YAML: dict[str, bytes] = {
    **NO_TEXT,
    "half": b"classes: [a, b",
    "tabs": b"classes:\n\t- a\n",
    "bomb": YAML_BOMB.encode(),
    "alias of itself": b"a: &a [*a]\n",
    "unknown alias": b"a: *b\n",
    "deep": b"a: " + b"[" * 100_000 + b"]" * 100_000,
    "deep maps": b"".join(b" " * level + b"a:\n" for level in range(1000)),
    "twice": b"a: 1\nb: 2\na: 3\n",
    "mixed keys": b"a: 1\n2: b\n",
    "key yes": b"yes: 1\n",
    "list as key": b"? [a, b]\n: 1\n",
    "no date": b"a: 2024-13-45\n",
    "many digits": b"a: " + b"9" * 10_000 + b"\n",
    "object of Python": b"a: !!python/object/apply:os.system ['true']\n",
    "name of Python": b"a: !!python/name:os.system\n",
    "two documents": b"a: 1\n---\nb: 2\n",
}
BAD_QUEUES: dict[str, bytes] = {
    **NO_TEXT,
    "empty": b"",
    "other columns": b"image,mask\na,1\n",
    "column twice": b"image_id,mask_id,answer,answer\na,1,box,disc\n",
    "huge cell": b"image_id,mask_id,answer\na,1," + b"x" * 1_000_000 + b"\n",
    "open quote": b'image_id,mask_id,answer\na,1,"box\n' + b"x" * 200_000,
    "more cells": b"image_id,mask_id,answer\na,1,box,disc\n",
    "mask of no number": b"image_id,mask_id,answer\na,\xc2\xb2,box\n",  # a raised two is a digit, but no number
    "mask of many digits": b"image_id,mask_id,answer\na," + b"1" * 5000 + b",box\n",
    "short": b"image_id,mask_id,answer\na\n",
}
BAD_LISTS: dict[str, bytes] = {
    **NO_TEXT,
    "empty": b"",
    "blank": b"\n \n",
    "above": b"../secret\n",
    "absolute": b"/etc/passwd\n",
    "drive": b"C:/secret\n",
    "backslash": b"..\\secret\n",
    "escape": b"a\x1b[31m\n",
    "twice": b"a\nb\na\n",
    "twice in two Unicode forms": "caf\u00e9\ncafe\u0301\n".encode(),
    "long": b"x" * 5000 + b"\n",
}


class Attack:
    """Writes a file when it is unpickled."""

    def __init__(self, witness: Path) -> None:
        self._witness = witness

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return os.mkdir, (str(self._witness),)


def malicious_pickle(path: Path, witness: Path) -> None:
    """A bare pickle that makes the folder `witness` when it is loaded."""
    path.write_bytes(pickle.dumps({"state_dict": Attack(witness)}))


def malicious_checkpoint(path: Path, witness: Path) -> None:
    """A PyTorch checkpoint with such a pickle."""
    torch.save({"fingerprint": 1, "network": Attack(witness)}, path)


def malicious_npz(path: Path, witness: Path) -> None:
    """An npz with such a pickle in every array that a pool has."""
    hidden = np.array([Attack(witness)], dtype=object)
    np.savez(path, image_id=hidden, image=hidden, mask_id=hidden, allow_pickle=True)


def malicious_yaml(path: Path, witness: Path) -> None:
    """YAML that makes the folder when it is loaded by an unsafe loader."""
    path.write_text(f"classes: !!python/object/apply:os.mkdir ['{witness}']\n")


def npz_of_impossible_size(path: Path) -> None:
    """An npz whose array claims more elements than any machine has."""
    header = "{'descr': '<i8', 'fortran_order': False, 'shape': (1000000000000000,), }".ljust(117) + "\n"
    array = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("image.npy", array)


def npz_bomb(path: Path) -> None:
    """A small npz that is large once it is inflated."""
    np.savez_compressed(path, image=np.zeros(2**22, dtype=np.int64))


def grey_png(path: Path, values: np.ndarray, bits: int) -> None:
    """A greyscale PNG of 1, 2, 4 or 8 bits with these stored values (H, W); Pillow writes none of 2 and 4."""
    height, width = values.shape
    padded = np.zeros((height, -(-width * bits // 8) * 8 // bits), dtype=np.uint8)
    padded[:, :width] = values
    unpacked = (padded[..., None] >> np.arange(bits - 1, -1, -1)) & 1  # (H, W, bits)
    packed = np.packbits(unpacked.reshape(height, -1).astype(np.uint8), axis=1)
    rows = b"".join(b"\0" + row.tobytes() for row in packed)

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    )


def jpeg_named_png(path: Path) -> None:
    """A greyscale JPEG under the name of a PNG."""
    Image.fromarray(np.zeros((8, 8), dtype=np.uint8)).save(path, format="JPEG")
