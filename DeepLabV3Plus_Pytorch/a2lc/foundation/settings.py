"""The base of every settings class: frozen, typed, no unknown keys, finite numbers; and what a field decides about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Iterator, Sequence
from enum import Enum, auto
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from a2lc.foundation.trees import flatten

Item = TypeVar("Item", bound=Hashable)


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
    NEXT_ROUNDS = auto()
    """The rounds of a method that are not begun: it may change between two of them, and each notes its own."""
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

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True, protected_namespaces=()
    )

    @model_validator(mode="before")
    @classmethod
    def _by_name(cls, given: Any) -> Any:
        return by_name(given) if "name" in cls.model_fields else given

    @field_validator("*", mode="after")
    @classmethod
    def _no_zero(cls, value: Any) -> Any:
        if isinstance(value, Path) and "\0" in str(value):
            raise ValueError(f"{str(value)!r} holds a zero, which no path can: remove it")
        return value

    @classmethod
    def fields_that(cls, decide: Decides) -> set[str]:
        """The names of the fields with this mark."""
        return {name for name, info in cls.model_fields.items() if decide in info.metadata}


def several(given: Any) -> Any:
    """A list that is given as one value or as a text with commas, as a list."""
    if isinstance(given, str):
        return [part.strip() for part in given.split(",")]
    return given if given is None or isinstance(given, Sequence) else (given,)


def once(values: Sequence[Item]) -> Sequence[Item]:
    """Refuse a value that stands twice.

    Raises:
        ValueError: When one does; names each.
    """
    twice = [str(value) for value, count in Counter(values).items() if count > 1]
    if twice:
        raise ValueError(f"{', '.join(twice)} stands twice: give different values")
    return values


def _no_truth(value: Any) -> Any:
    """Refuse true and false, which would count as 1 and 0."""
    if isinstance(value, bool):
        raise ValueError("expected a whole number, got a truth value")
    return value


def by_name(given: Any) -> Any:
    """A section that is given by its name alone, as a section."""
    return {"name": given} if isinstance(given, str) else given


EACH_ONCE = (Field(min_length=1, max_length=1000), BeforeValidator(several), AfterValidator(once))
"""Marks of a field that holds several different values: at least one, at most 1000."""
Seed = Annotated[int, Field(ge=0, lt=2**32), BeforeValidator(_no_truth)]
"""What random choices are a function of; every generator in use takes 32 bits."""
Seeds = Annotated[tuple[Seed, ...], *EACH_ONCE]
"""Different seeds, at most 1000: each is a run of its own."""


_FREE = {Decides.SPEED, Decides.LAYERS}


def marks_of(model: type[BaseModel], key: str) -> frozenset[Decides]:
    """The marks of a dotted key: its own and those of its sections, from which SPEED and LAYERS free it."""
    found: set[Decides] = set()
    models = [model]
    for part in key.split("."):
        fields = [candidate.model_fields[part] for candidate in models if part in candidate.model_fields]
        found |= {mark for info in fields for mark in info.metadata if isinstance(mark, Decides)}
        models = [nested for info in fields for nested in models_in(info.annotation)]
    return frozenset(found & _FREE or found)


def difference(first: BaseModel, other: BaseModel, marks: Collection[Decides]) -> list[str]:
    """Lines "key: value of the first -> value of the other" for the keys that differ and decide about one of these."""
    lines = []
    mine = flatten(first.model_dump(mode="json"))
    theirs = flatten(other.model_dump(mode="json"))
    for key in sorted({*mine, *theirs}):
        if mine.get(key) != theirs.get(key) and not marks_of(type(first), key).isdisjoint(marks):
            lines.append(f"{key}: {mine.get(key)} -> {theirs.get(key)}")
    return lines


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """The settings classes that a field may hold: one, or those of a union."""
    for part in (annotation, *get_args(annotation)):
        if isinstance(part, type) and issubclass(part, BaseModel):
            yield part
