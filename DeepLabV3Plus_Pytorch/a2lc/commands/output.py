"""What the verbs print."""

from __future__ import annotations

import sys


def show(text: str) -> None:
    """Print for people and for other programs; messages about the work go to the log."""
    sys.stdout.write(text)
