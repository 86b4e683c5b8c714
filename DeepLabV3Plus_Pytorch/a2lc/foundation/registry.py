"""Registries: the implementations of one seam by name, the built-in ones and those of other packages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any, Generic, TypeVar

from pydantic import AfterValidator

from a2lc.foundation.errors import InputError
from a2lc.foundation.layers import nearest

Entry = TypeVar("Entry")


@dataclass(frozen=True)
class Needs:
    """What a component cannot do without; the configuration of a run is held against it.

    Attributes:
        network: The probabilities of a trained network.
        whole_masks: Questions about masks as a whole, not about pixels of them.
        ground_truth: Ground truth of the training images.
    """

    network: bool = False
    whole_masks: bool = False
    ground_truth: bool = False


class Registry(Generic[Entry]):
    """The implementations of a seam by name.

    Another package adds its own by registering them when it is imported; one that is installed can announce the module
    that does so as an entry point of the group `a2lc.<seam>`, which is loaded when a name is not known otherwise.

    Args:
        seam: What is registered, in the plural as it stands in messages: "acquisitions".

    Example:
        >>> numbers: Registry[int] = Registry("numbers")
        >>> numbers.register("two", 2)
        >>> numbers["two"], numbers.names()
        (2, ('two',))
    """

    def __init__(self, seam: str) -> None:
        self.seam = seam
        self._entries: dict[str, Entry] = {}
        self._announced = False

    def register(self, name: str, entry: Entry) -> None:
        """Add an implementation.

        Raises:
            ValueError: When the name is taken by another one.
        """
        if self._entries.get(name, entry) != entry:
            raise ValueError(f"{name} is registered among the {self.seam} already")
        self._entries[name] = entry

    def names(self) -> tuple[str, ...]:
        """All names, in the order of registration."""
        self._load_announced()
        return tuple(self._entries)

    def __contains__(self, name: object) -> bool:
        if name not in self._entries:
            self._load_announced()
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def __getitem__(self, name: str) -> Entry:
        """The implementation of this name.

        Raises:
            InputError: When there is none; says which there are.
        """
        if name not in self:
            raise InputError(self.unknown(name))
        return self._entries[name]

    def unknown(self, name: str) -> str:
        """The sentence about a name that is not registered."""
        known = self.names()
        return f"'{name}' is not among the {self.seam}: expected one of {', '.join(known)}{nearest(name, known)}"

    def _load_announced(self) -> None:
        """Import what installed packages announce, once."""
        if self._announced:
            return
        self._announced = True
        for entry_point in entry_points(group=f"a2lc.{self.seam}"):
            entry_point.load()


def registered(registry: Registry[Any]) -> AfterValidator:
    """The validator of a settings field that holds a name of `registry`: `Annotated[str, registered(LEARNERS)]`."""

    def check(name: str) -> str:
        if name not in registry:
            raise ValueError(registry.unknown(name))
        return name

    return AfterValidator(check)
