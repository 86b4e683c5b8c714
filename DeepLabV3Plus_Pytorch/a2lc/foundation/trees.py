"""Nested mappings, as configurations and records are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def flatten(tree: Any, *, into_lists: bool = False) -> dict[str, Any]:
    """The leaves of nested mappings, and of lists where wanted, by dotted key.

    Example:
        >>> flatten({"training": {"crop_size": [64, 64]}})
        {'training.crop_size': [64, 64]}
        >>> flatten({"training": {"crop_size": [64, 64]}}, into_lists=True)
        {'training.crop_size.0': 64, 'training.crop_size.1': 64}
    """
    if isinstance(tree, Mapping):
        branches = tree.items()
    elif into_lists and isinstance(tree, list):
        branches = dict(enumerate(tree)).items()
    else:
        return {"": tree}
    flat: dict[str, Any] = {}
    for name, branch in branches:
        leaves = flatten(branch, into_lists=into_lists)
        flat |= {f"{name}.{key}".removesuffix("."): leaf for key, leaf in leaves.items()}
    return flat
