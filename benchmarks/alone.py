"""What the processes of `python -m benchmarks` do: one call each."""

from __future__ import annotations

import importlib
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any


def call(folder: Path, module: str, function: str) -> list[dict[str, Any]]:
    """The rows that a function of a module gives, as plain values; none where there is no such function."""
    sys.path[:0] = [str(folder.parent), str(folder)]  # the modules are scripts, too, which import their neighbours
    rows = getattr(importlib.import_module(f"{folder.name}.{module}"), function, list)
    return [asdict(row) for row in rows()]
