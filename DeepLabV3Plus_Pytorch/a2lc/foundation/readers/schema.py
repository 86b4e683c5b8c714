"""Holding what was read against the type that was expected."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

from a2lc.foundation.errors import InputError

Content = TypeVar("Content")
_SHOWN = 5  # problems told
_STRICT = ConfigDict(strict=True, allow_inf_nan=False)
record = with_config(ConfigDict(**_STRICT, extra="allow"))  # decorates a TypedDict: the keys that must be there


@cache
def _adapter(schema: Any) -> TypeAdapter[Any]:
    return TypeAdapter(schema) if hasattr(schema, "__pydantic_config__") else TypeAdapter(schema, config=_STRICT)


def fitted(content: object, schema: Callable[..., Content], source: object, remedy: str) -> Content:
    """What was read, as the type that was expected.

    Args:
        content: Plain data: dictionaries, lists, texts, numbers.
        schema: The type, for example `dict[str, float]`, or a TypedDict that `record` decorates.
        source: The file.
        remedy: What to do about a damaged one.

    Raises:
        InputError: When the content is of another type; every place is listed with what was expected there.

    Example:
        >>> fitted({"train": 2.5}, dict[str, float], "seconds.json", "delete it")
        {'train': 2.5}
    """
    try:
        adapted: Content = _adapter(schema).validate_python(content)
    except ValidationError as error:
        problems = [_sentence(problem) for problem in error.errors(include_url=False)]
        listed = "; ".join(problems[:_SHOWN]) + "; ..." * (len(problems) > _SHOWN)
        raise InputError(f"{source} does not hold what was expected ({listed}): {remedy}") from None
    except RecursionError:
        raise InputError(f"{source} is nested too deeply: {remedy}") from None
    return adapted


def _sentence(problem: Any) -> str:
    place = ".".join(str(part) for part in problem["loc"])
    expected = str(problem["msg"]).removeprefix("Value error, ").replace("Input should be", "expected", 1)
    found = repr(problem["input"])
    shown = found if len(found) <= 60 else f"{found[:57]}..."
    if problem["type"] == "missing":
        return f"{place} is missing"
    return f"{f'{place} is' if place else 'it holds'} {shown}, {expected}"
