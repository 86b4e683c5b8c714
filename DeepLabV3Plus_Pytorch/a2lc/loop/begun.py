"""Whether anything was made in the folder of a run, beside what is written before the work."""

from __future__ import annotations

from pathlib import Path

INPUTS = "inputs.json"
"""The inputs that a seed was begun with."""
INPUTS_SEEN = ".inputs_seen.json"
"""What is known of files by size and time; without it they are read again."""
MADE_WITH = "made_with.json"
"""The settings of a round that may change from one to the next."""
_BEFORE_WORK = frozenset({"config.yaml", "log.txt", ".lock", INPUTS, INPUTS_SEEN, MADE_WITH})


def is_begun(folder: Path) -> bool:
    """Whether anything was made in a folder: a network begun, masks scored, a question asked or answered.

    What a killed write left behind does not count.
    """
    return any(
        path.name not in _BEFORE_WORK and not path.name.startswith(".part.") and path.is_file()
        for path in folder.rglob("*")
    )
