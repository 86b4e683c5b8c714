"""Lengths of time, as people say them."""

from __future__ import annotations


def duration(seconds: float) -> str:
    """A length of time in its two largest units.

    Example:
        >>> [duration(seconds) for seconds in (0.4, 75, 3_700, 90_000)]
        ['0 s', '1 min 15 s', '1 h 1 min', '1 d 1 h']
    """
    left = round(seconds)
    parts = []
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        count, left = divmod(left, size)
        parts.append((count, unit))
    first = next((index for index, (count, _) in enumerate(parts) if count), len(parts) - 1)
    shown = [f"{count} {unit}" for count, unit in parts[first : first + 2] if count]
    return " ".join(shown) or "0 s"
