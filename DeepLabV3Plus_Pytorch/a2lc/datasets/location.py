"""Data that is not where it was looked for: absent, or the folder given is one level too high or too low."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from a2lc.foundation.errors import InputError

_NAMED = 3  # right folders listed when several lie below the one given


def explain_missing(missing: Path, root: Path, markers: Sequence[Path], instruction: str) -> InputError:
    """Say why data is missing and what to give instead.

    Args:
        missing: What was looked for in `root` and is not there.
        root: The folder given as `dataset.root`.
        markers: Paths relative to a root; a folder that has any of them is taken for a right one. Those that lead out
            of a root tell nothing and are passed over.
        instruction: What to do when no right folder is near ("put the images there").

    Returns:
        The error to raise: it names the right folder where that lies above or directly below `root`.
    """
    if not root.exists():
        inner = f", not even the folder {root} does" if missing != root else ""
        return InputError(f"{missing} does not exist{inner}: {instruction}")
    if not root.is_dir():
        return InputError(f"{root} is a file: set dataset.root to a folder")
    markers = [marker for marker in markers if not marker.is_absolute() and ".." not in marker.parts]
    above = _right_root_above(root, markers)
    if above is not None:
        return InputError(f"dataset.root is {root}, which is too low: set dataset.root={above}")
    below = _right_roots_below(root, markers)
    if below:
        choices = " or ".join(f"dataset.root={folder}" for folder in below[:_NAMED])
        return InputError(f"dataset.root is {root}, which is one level too high: set {choices}")
    return InputError(f"{missing} does not exist: {instruction}")


def _right_root_above(root: Path, markers: Sequence[Path]) -> Path | None:
    """The outermost right root that `root` lies in, at most as far up as the longest marker reaches down."""
    levels = max((len(marker.parts) for marker in markers), default=0)
    near = root.resolve().parents[:levels]
    right = (folder for folder in reversed(near) if any((folder / marker).exists() for marker in markers))
    return next(right, None)


def _right_roots_below(root: Path, markers: Sequence[Path]) -> list[Path]:
    """Sub-folders of `root` that are right roots; globbing passes over folders that may not be read."""
    found = ((match, len(marker.parts)) for marker in markers for match in root.glob(f"*/{marker.as_posix()}"))
    return sorted({match.parents[levels - 1] for match, levels in found})
