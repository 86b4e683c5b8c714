"""Leaves of nested mappings."""

from __future__ import annotations

from a2lc.foundation.trees import flatten


def test_leaves_by_dotted_key() -> None:
    tree = {"a": {"b": 1, "c": {"d": None}}, "e": [{"f": 2}, 3], "g": {}}
    assert flatten(tree) == {"a.b": 1, "a.c.d": None, "e": [{"f": 2}, 3]}
    assert flatten(tree, into_lists=True) == {"a.b": 1, "a.c.d": None, "e.0.f": 2, "e.1": 3}
