"""Reading YAML: plain data alone, in bounded size, depth and expansion."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import yaml

from a2lc.foundation.errors import InputError
from a2lc.foundation.readers.text import REPLACE, Source, read_text

_MOST_BYTES = 2 * 2**20
_DEEPEST = 50
_MOST_VALUES = 100_000  # with every alias replaced by what it stands for
_BASE: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the one in C is ten times as fast


class _Loader(_BASE):
    """Safe YAML in which every key stands once, and keys of a mapping are all texts or all whole numbers."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[str, Any]:
        """See PyYAML; merged mappings (`<<`) are overridden, as ever, by what stands beside them."""
        if isinstance(node, yaml.MappingNode):
            _check_keys(self, node)
        mapping: dict[str, Any] = super().construct_mapping(node, deep)
        return mapping


def _check_keys(loader: Any, node: yaml.MappingNode) -> None:
    """Refuse keys that are neither texts nor whole numbers, mixed, or there twice."""
    seen: set[str | int] = set()
    for key_node, _ in node.value:
        if key_node.tag == "tag:yaml.org,2002:merge":
            continue
        key = loader.construct_object(key_node) if isinstance(key_node, yaml.ScalarNode) else None
        if not isinstance(key, str | int) or isinstance(key, bool):
            told = f"the key {key_node.value if key_node.id == 'scalar' else ''} is no text: put it in quotes"
        elif any(type(other) is not type(key) for other in seen):
            told = f"the key {key} is a {'text' if isinstance(key, str) else 'number'}, others are not: use quotes"
        elif key in seen:
            told = f"the key '{key}' stands twice: remove one"
        else:
            seen.add(key)
            continue
        raise yaml.constructor.ConstructorError(None, None, told, key_node.start_mark)


def read_yaml(source: Source, remedy: str = REPLACE) -> Any:
    """Read one YAML document of plain data; None where the file is empty.

    Args:
        source: The file, or a file within a package.
        remedy: What to do about a damaged one.

    Raises:
        InputError: When the file cannot be read, see `read_text`, or its content, see `parse_yaml`.
    """
    return parse_yaml(read_text(source, remedy, _MOST_BYTES), source, remedy)


def parse_yaml(text: str, source: object, remedy: str = REPLACE) -> Any:
    """Parse one YAML document of plain data; None where there is none.

    Args:
        text: The document.
        source: Where it comes from, for the message.
        remedy: What to do about it.

    Raises:
        InputError: When it is no YAML, asks for an object of Python, is nested deeper than 50, stands for more than
            100,000 values once its aliases are replaced, or has a key that stands twice, or keys of several types.
    """
    try:
        _check_size(yaml.parse(text, Loader=_BASE))
        return yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        raise InputError(f"{source} is not valid YAML{_place(error)}: {remedy}") from None
    except (ValueError, OverflowError, AttributeError) as error:  # 2024-13-45 looks like a date and is none
        raise InputError(f"{source} is not valid YAML ({error}): {remedy}, or put such values in quotes") from None
    except RecursionError:
        raise InputError(f"{source} is nested too deeply: {remedy}") from None


def _place(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error).replace("\n", " ")
    return f", line {mark.line + 1}, column {mark.column + 1} ({problem})" if mark else f" ({problem})"


def _check_size(events: Iterable[yaml.Event]) -> None:
    """Count what a document would hold with its aliases replaced, before anything is built."""
    sizes: dict[str, int] = {}  # by anchor
    open_nodes: list[tuple[str | None, int]] = []  # anchor of each open node, and what was counted before it
    count = 0
    for event in events:
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in sizes:
                raise yaml.YAMLError(f"the alias *{event.anchor} stands for nothing that was finished before it")
            count += sizes[event.anchor]
        elif isinstance(event, yaml.CollectionStartEvent):
            open_nodes.append((event.anchor, count))
            count += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = open_nodes.pop()
            if anchor:
                sizes[anchor] = count - before
        elif isinstance(event, yaml.ScalarEvent):
            count += 1
            if event.anchor:
                sizes[event.anchor] = 1
        if len(open_nodes) > _DEEPEST:
            raise RecursionError
        if count > _MOST_VALUES:
            raise yaml.YAMLError(f"its aliases stand for more than {_MOST_VALUES:,} values")
