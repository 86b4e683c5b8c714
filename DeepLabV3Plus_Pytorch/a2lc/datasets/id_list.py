"""Lists of image ids, as data sets keep them for their splits."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Collection
from pathlib import Path

from a2lc.foundation.errors import InputError
from a2lc.foundation.ids import valid_ids
from a2lc.foundation.readers.tables import read_lines, repeated

_REMEDY = "write the image ids into it, one a line"


def read_id_list(path: Path, known: Collection[str] = ()) -> tuple[str, ...]:
    """Image ids of a list file, one a line; blank lines are passed over, and so are blanks around an id.

    Args:
        path: The file.
        known: Ids that there are; a line that is one of these is taken as it is, blanks included.

    Returns:
        The ids in one Unicode form (NFC).

    Raises:
        InputError: When the file is missing, empty or no text, holds what cannot be an id, or names an image twice.
    """
    if not os.path.lexists(path):
        raise InputError(f"{path} does not exist: {_REMEDY}")
    lines = [unicodedata.normalize("NFC", line) for _, line in read_lines(path, _REMEDY) if line.strip()]
    ids = [line if line in known else line.strip() for line in lines]
    if not ids:
        raise InputError(f"{path} is empty: {_REMEDY}")
    twice = repeated(ids)
    if twice:
        raise InputError(f"{path} names '{twice[0]}' twice: remove one of the lines")
    return tuple(valid_ids(ids, path))
