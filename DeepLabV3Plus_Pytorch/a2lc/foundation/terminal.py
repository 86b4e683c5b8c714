"""What is written to a terminal: text of files and of people, in which nothing steers the terminal."""

from __future__ import annotations

import logging
import sys
import unicodedata
from collections.abc import Sequence

_STEERING = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))  # control, direction of writing, no character, line breaks
_HARMLESS = frozenset("\n\t\u200c\u200d\u00ad")  # line ends, and the joiners that some scripts are written with


def printable(text: str) -> str:
    """The text with every character that steers a terminal written as its escape.

    Example:
        >>> printable("photo\\x1b[2J.png")
        'photo\\\\x1b[2J.png'
    """
    return "".join(_escaped(character) for character in text)


def _escaped(character: str) -> str:
    if character in _HARMLESS or unicodedata.category(character) not in _STEERING:
        return character
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


def show(text: str) -> None:
    """Print a result; messages about the work go to the log."""
    sys.stdout.write(printable(text))


def tell(program: str, sentence: str) -> None:
    """Print why a command ends, in the name of the program."""
    sys.stderr.write(f"{program}: {printable(sentence)}\n")


class _PrintableFormatter(logging.Formatter):
    """The message alone, fit for a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        return printable(super().format(record))


def set_up_log(packages: Sequence[str], verbose: bool) -> None:
    """Log to standard error: of these packages what is going on (all details when verbose), of others warnings."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_PrintableFormatter("%(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    for package in packages:
        logging.getLogger(package).setLevel(logging.DEBUG if verbose else logging.INFO)
    logging.raiseExceptions = False  # a full disk is told once, not as a traceback for every line of the log
