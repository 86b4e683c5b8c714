"""Layers of configuration with the names of their sources, so that every value can say where it is from."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from a2lc.foundation.layers import merge
from a2lc.foundation.settings import by_name

DEFAULT = "default"


@dataclass(frozen=True)
class Layer:
    """A layer of a configuration: where it comes from, and the keys that it sets."""

    source: str
    content: Mapping[str, Any]

    def says(self, key: str) -> bool:
        """Whether it sets a dotted key; a section that is given as a text sets its name."""
        inner: Any = self.content
        for part in key.split("."):
            inner = by_name(inner)
            if not isinstance(inner, Mapping) or part not in inner:
                return False
            inner = inner[part]
        return True

    def without(self, *keys: str) -> Layer:
        """The layer without some of its outermost keys."""
        return Layer(self.source, {key: value for key, value in self.content.items() if key not in keys})


@dataclass(frozen=True)
class Layered:
    """The layers of one method, later ones win.

    Example:
        >>> layers = (Layer("pascal", {"rounds": 5, "acquisition": "abc"}), Layer("command line", {"rounds": 2}))
        >>> Layered("a2lc", layers).merged()
        {'rounds': 2, 'acquisition': 'abc'}
        >>> Layered("a2lc", layers).source_of("acquisition.name")
        'pascal'
    """

    method: str
    layers: tuple[Layer, ...]

    def merged(self) -> dict[str, Any]:
        """What all layers say together; what none says has its default."""
        return functools.reduce(merge, (layer.content for layer in self.layers), {})

    def source_of(self, key: str) -> str:
        """The source of the layer that a dotted key has its value from."""
        return next((layer.source for layer in reversed(self.layers) if layer.says(key)), DEFAULT)


def commented(tree: Mapping[str, Any], layered: Layered, prefix: str = "") -> Iterator[str]:
    """The lines of a configuration as YAML, the source of each value as a comment behind it."""
    indent = "  " * prefix.count(".")
    for name, value in tree.items():
        if isinstance(value, Mapping) and value:
            yield f"{indent}{name}:"
            yield from commented(value, layered, f"{prefix}{name}.")
        else:
            yield f"{indent}{_in_a_line(name, value)}  # {layered.source_of(prefix + name)}"


def _in_a_line(name: str, value: Any) -> str:
    """A key and its value as YAML."""
    if isinstance(value, list | dict):
        return f"{name}: {yaml.safe_dump(value, default_flow_style=True, width=math.inf).rstrip()}"
    return str(yaml.safe_dump({name: value}, width=math.inf).rstrip())
