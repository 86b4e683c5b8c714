"""Tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose first column is text and whose others are numbers.

    Example:
        >>> print(markdown_table(["method", "p"], [["a2lc", "0.35"]]))
        | method | p |
        | :-- | --: |
        | a2lc | 0.35 |
    """
    rule = [":--", *["--:"] * (len(header) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (header, rule, *rows))
