"""Errors meant for the person at the keyboard: one clear sentence, never a traceback."""

from __future__ import annotations

from collections.abc import Sequence

_LONGEST = 1000  # characters of a problem
_SHOWN = 50  # problems printed before the list is cut


class InputError(ValueError):
    """Bad input, told in a sentence that names the file, what is wrong and what to do.

    The command line prints the message alone and exits with 2.
    """


class WaitingForAnswers(Exception):
    """The run stopped on purpose: a person has to answer a queue first. The command line exits with 3."""


def _cut(problem: str) -> str:
    """A problem short enough to be read, whatever a file has for a name."""
    return problem if len(problem) <= _LONGEST else f"{problem[:_LONGEST]}..."


def refuse(headline: str, problems: Sequence[str]) -> None:
    """Raise one `InputError` that lists every problem; do nothing when there is none.

    Args:
        headline: What was checked, as the beginning of a sentence ("the pseudo-label set X is broken").
        problems: One sentence each.

    Raises:
        InputError: When `problems` is not empty.
    """
    if not problems:
        return
    lines = [f"  - {_cut(problem)}" for problem in problems[:_SHOWN]]
    if len(problems) > _SHOWN:
        lines.append(f"  - ... and {len(problems) - _SHOWN} more")
    raise InputError("\n".join([f"{headline} ({len(problems)} problem{'s' * (len(problems) > 1)}):", *lines]))
