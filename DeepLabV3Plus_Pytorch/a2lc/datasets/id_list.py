"""Lists of image ids, as data sets keep them for their splits."""

from __future__ import annotations

from pathlib import Path

from a2lc.foundation.errors import InputError


def read_id_list(path: Path) -> tuple[str, ...]:
    """Image ids of a list file, one a line; blank lines are passed over.

    Raises:
        InputError: When the file is missing, empty, or names an image twice.
    """
    if not path.is_file():
        raise InputError(f"{path} does not exist: it lists the image ids, one a line")
    ids = [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    if not ids:
        raise InputError(f"{path} is empty: it lists the image ids, one a line")
    if len(set(ids)) < len(ids):
        twice = sorted({image_id for image_id in ids if ids.count(image_id) > 1})
        raise InputError(f"{path} names '{twice[0]}' twice: remove one of the lines")
    return tuple(ids)
