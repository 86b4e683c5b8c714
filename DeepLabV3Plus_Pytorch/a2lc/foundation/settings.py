"""The base of every settings class: frozen, typed, unknown keys are errors; and what a field decides about."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum, auto
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, model_validator


class Decides(Enum):
    """What a settings field decides about, as a mark on it: `output: Annotated[Path, Decides.OUTPUT]`.

    The mark of a section holds for the fields in it, which may have one of their own besides.
    """

    FIRST_NETWORK = auto()
    """θ₀, which all methods of a seed share, and so everything after it."""
    MASKS = auto()
    """The masks that every method finds; not θ₀."""
    ROUNDS = auto()
    """A method's rounds."""
    SOURCE = auto()
    """Where data and weights lie: it stays in a run, but elsewhere there may be the same."""
    PRECISION = auto()
    """Speed, and the last bits of numbers: it stays in a run."""
    SPEED = auto()
    """Where and how fast it is computed, and what is shown of it: free to change from one start to the next."""
    OUTPUT = auto()
    """Where the results lie."""
    EXTENT = auto()
    """How much of an experiment is done."""
    LAYERS = auto()
    """Which layers a configuration is composed of; the keys that they set decide for themselves."""


class Settings(BaseModel):
    """Base of all settings; the docstring below a field is its help text and gives its unit.

    A section with a field `name` may be given by its name alone: `acquisition: sim` is `acquisition: {name: sim}`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, protected_namespaces=())

    @model_validator(mode="before")
    @classmethod
    def _by_name(cls, given: Any) -> Any:
        return by_name(given) if "name" in cls.model_fields else given

    @classmethod
    def fields_that(cls, decide: Decides) -> set[str]:
        """The names of the fields with this mark."""
        return {name for name, info in cls.model_fields.items() if decide in info.metadata}


def by_name(given: Any) -> Any:
    """A section that is given by its name alone, as a section."""
    return {"name": given} if isinstance(given, str) else given


def marks_of(model: type[BaseModel], key: str) -> frozenset[Decides]:
    """The marks of a dotted key: its own and those of the sections that it is in; SPEED frees it from theirs."""
    found: set[Decides] = set()
    models = [model]
    for part in key.split("."):
        fields = [candidate.model_fields[part] for candidate in models if part in candidate.model_fields]
        found |= {mark for info in fields for mark in info.metadata if isinstance(mark, Decides)}
        models = [nested for info in fields for nested in models_in(info.annotation)]
    return frozenset({Decides.SPEED} if Decides.SPEED in found else found)


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """The settings classes that a field may hold: one, or those of a union."""
    for part in (annotation, *get_args(annotation)):
        if isinstance(part, type) and issubclass(part, BaseModel):
            yield part
