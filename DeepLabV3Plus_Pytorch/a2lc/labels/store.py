"""Pseudo-label sets: initial labels L₀ and masks S per image, written once and never changed, in any format."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from a2lc.formats import PseudoLabelSet, Reading, open_labels
from a2lc.formats.base import Undetected
from a2lc.formats.native import PseudoLabelWriter

__all__ = ["PseudoLabelSet", "PseudoLabelWriter", "Undetected", "open_pseudo_labels"]


def open_pseudo_labels(root: Path, undetected: Undetected = "none") -> PseudoLabelSet:
    """Open a pseudo-label set in our layout (labels/, masks/, manifest.json) or any other format that holds masks.

    Args:
        root: The folder of the set.
        undetected: See `Reading`; has a meaning in the research layout only.

    Raises:
        InputError: When the folder holds none, or its manifest is missing or from another version.

    Example:
        >>> pseudo_labels = open_pseudo_labels(Path("my_images/pseudo_labels"))
        >>> pseudo_labels.masks(pseudo_labels.image_ids()[0]).max()
        12
    """
    # only formats with masks are asked
    return cast(PseudoLabelSet, open_labels(root, Reading(undetected=undetected), masks=True))
