"""Commands that are started by another one, and end when it does, however that ended."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

from a2lc.foundation.environment import ATTACHED_VARIABLE, COMMAND_VARIABLE


def started_as(arguments: Sequence[str]) -> tuple[str, ...]:
    """The program and its arguments that `a2lc` with these arguments is; they want a pipe, held open, as input."""
    return (sys.executable, "-m", "a2lc.cli", *arguments)


def environment_of(command: str) -> Mapping[str, str]:
    """The environment of a command that ends with this process.

    Args:
        command: The command that a reader can run to get the same tables, for the summaries.
    """
    return {**os.environ, COMMAND_VARIABLE: command, ATTACHED_VARIABLE: "1"}
