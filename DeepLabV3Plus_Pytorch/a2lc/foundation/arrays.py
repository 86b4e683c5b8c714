"""Dataclasses of parallel arrays: one entry of each array per thing, and so all of one length."""

from __future__ import annotations

from collections.abc import Sequence


def check_lengths(holder: object, names: Sequence[str]) -> None:
    """Check that these attributes have equal lengths, as arrays over the same things; costs nothing worth saving.

    Raises:
        ValueError: When they have not; names the first and the one that differs.
    """
    first = names[0]
    expected = len(getattr(holder, first))
    for name in names[1:]:
        length = len(getattr(holder, name))
        if length != expected:
            kind = type(holder).__name__
            raise ValueError(f"{kind}.{name} has {length} entries but {kind}.{first} has {expected}: expected equal")
