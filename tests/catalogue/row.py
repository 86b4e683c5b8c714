"""A row of the catalogue: what is damaged, which command meets it, and what has to be said."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from tests.catalogue.damages import Damage


@dataclass(frozen=True)
class Command:
    """A command that rows are tried with.

    Attributes:
        name: For the name of the test.
        world: What it is tried on, a key of `worlds.WORLDS`.
        line: The command line, words separated by single blanks.
        writes: Paths below which it may write.
    """

    name: str
    world: str
    line: str
    writes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """One bad input.

    Attributes:
        command: What is run.
        path: What is damaged, relative to the folder in which the command runs.
        damage: How.
        says: Patterns that the message must hold.
    """

    command: Command
    path: str
    damage: Damage
    says: tuple[str, ...] = field(default=())

    @property
    def name(self) -> str:
        """For the name of the test."""
        return f"{self.command.name}: {self.path or 'command line'}: {self.damage.name}"


def crossed(paths: str | Iterable[str], damages: Iterable[Damage], *commands: Command) -> Iterator[Row]:
    """Every file with every damage and every command; the file's name has to be said, of a picture the image's."""
    for path in (paths,) if isinstance(paths, str) else paths:
        for damage in damages:
            for command in commands:
                file = PurePosixPath(path)
                named = re.escape(file.stem if file.suffix == ".png" else file.name)
                says = (named, damage.says) if damage.says else (named,)
                yield Row(command, path, damage, says if damage.ends else ())
