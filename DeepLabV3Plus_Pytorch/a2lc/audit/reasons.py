"""Why a mask is suspicious, in one plain sentence."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from a2lc.classes import ClassSet

_LEAST = 0.005  # share of the pixels that is told: it rounds to 1 %


def reason(given: int, predicted: int, share: NDArray[np.float64], unseen: bool, classes: ClassSet) -> str:
    """Say what the network that did not see the image makes of a mask.

    Args:
        given: Class of its label.
        predicted: Class with the largest share of the calibrated votes.
        share: (C,) share of its pixels that the network takes for each class.
        unseen: Whether the network never saw the given class.
        classes: Names.
    """
    name = classes.name_of(given)
    other = classes.name_of(predicted)
    dominant = int(share.argmax())
    if unseen:
        start = f"No network that could judge it has seen {name}: all images with this class lie in its fold"
        return f"{start}; it sees mostly {classes.name_of(dominant)}."
    start = f"The network, which did not see this image, takes {share[dominant]:.0%} of its pixels for"
    seen = classes.name_of(dominant)
    if predicted == given:
        return f"{start} {seen}, too." if dominant == given else f"{start} {seen}, as usual for {name}."
    if dominant == given:
        return f"{start} {seen}, but less clearly than usual: {other} is likelier."
    if dominant == predicted:
        return f"{start} {seen}{_rest(share[given], name)}."
    if share[predicted] < _LEAST:  # the network never says so, but its votes are those of other masks of the class
        return f"{start} {seen}, as it does with {other} rather than with {name}."
    return f"{start} {seen}, but {other} ({share[predicted]:.0%}) is likelier than {name}."


def _rest(share: float, name: str) -> str:
    """The end of a sentence: what is left for the given class."""
    return f" and {share:.0%} for {name}" if share >= _LEAST else f" and none for {name}"
