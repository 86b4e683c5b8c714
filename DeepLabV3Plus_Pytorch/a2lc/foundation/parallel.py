"""Parallel arrays: the fields of a dataclass that have an entry for each of the same things."""

from __future__ import annotations


def check_parallel(owner: object, *names: str) -> None:
    """Refuse arrays, tensors or sequences of different lengths.

    Args:
        owner: Whose they are.
        names: Its attributes that must be equally long.

    Raises:
        ValueError: When they are not; says how long each is.
    """
    lengths = {name: len(getattr(owner, name)) for name in names}
    if len(set(lengths.values())) > 1:
        found = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise ValueError(f"the arrays of {type(owner).__name__} must be equally long, but they have lengths {found}")
