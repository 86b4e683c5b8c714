"""Reading JSON."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, TypeVar, overload

from a2lc.foundation.errors import InputError
from a2lc.foundation.readers.schema import fitted
from a2lc.foundation.readers.text import REPLACE, read_text

Content = TypeVar("Content")
_DEEPEST = 100


@overload
def read_json(path: Path, *, remedy: str = ...) -> dict[str, Any]: ...
@overload
def read_json(path: Path, schema: Callable[..., Content], remedy: str = ...) -> Content: ...
def read_json(path: Path, schema: Callable[..., Any] = dict[str, Any], remedy: str = REPLACE) -> Any:
    """Read a JSON file.

    Args:
        path: The file.
        schema: The type of its content, see `fitted`; an object with any values where none is given.
        remedy: What to do about a damaged one.

    Raises:
        InputError: When the file cannot be read, is no JSON, nested deeper than 100, names a key twice, holds a number
            that is not finite, or is of another type.
    """
    text = read_text(path, remedy)
    if not text.strip():
        raise InputError(f"{path} is empty: {remedy}")
    try:
        content = parse_json(text)
    except RecursionError:
        raise InputError(f"{path} is nested too deeply: {remedy}") from None
    except ValueError as error:
        raise InputError(f"{path} is not valid JSON ({error}): {remedy}") from None
    return fitted(content, schema, path, remedy)


def parse_json(text: str | bytes) -> Any:
    """Parse strict JSON.

    Raises:
        ValueError: When it is not valid, names a key twice, or holds a number that is not finite.
        RecursionError: When it is nested deeper than 100.
    """
    content = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite, object_pairs_hook=_unique)
    if _deeper(content, _DEEPEST):
        raise RecursionError
    return content


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"the number {text} is not finite")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"the number {text} is too large")
    return number


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = Counter(key for key, _ in pairs).most_common(1)[0][0]
        raise ValueError(f"the key {twice!r} stands twice")
    return found


def _deeper(content: Any, levels: int) -> bool:
    """Whether lists and dictionaries lie in each other more than `levels` deep."""
    inner = [content]
    for _ in range(levels):
        children = [child for value in inner if isinstance(value, list | dict) for child in _children(value)]
        inner = [child for child in children if isinstance(child, list | dict)]
        if not inner:
            return False
    return True


def _children(value: Any) -> Any:
    return value.values() if isinstance(value, dict) else value
