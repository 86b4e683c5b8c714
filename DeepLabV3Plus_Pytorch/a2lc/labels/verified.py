"""Which pixels of a label state an annotator verified."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from a2lc.labels.ledger import Decision
from a2lc.labels.state import LabelState, pixels_of


@dataclass(frozen=True)
class VerifiedPixels:
    """The pixels whose label is what an annotator answered.

    The newest answer about a pixel counts. Pixels of an answered mask that have another label are not verified: a
    confirmation changes none of them, and what was learned later may have overruled an answer.

    Attributes:
        state: L_r.
        answers: {image id: answers}, oldest first, from `answers_by_image`.

    Example:
        >>> verified = VerifiedPixels(state, answers_by_image(ledger.answers()))
        >>> verified("photo_1").mean()  # the share of the image that somebody vouches for
    """

    state: LabelState
    answers: Mapping[str, Sequence[Decision]]

    def __call__(self, image_id: str) -> NDArray[np.bool_]:
        """(H, W) bool; the masks of an image without answers are not read."""
        answers = self.answers.get(image_id, ())
        if not answers:
            return np.zeros(self.state.labels(image_id).shape, dtype=bool)
        labels, masks = self.state.maps(image_id)
        answered = np.full(labels.shape, -1, dtype=np.int16)  # -1 = nobody was asked
        for answer in answers:
            if answer.label_after is not None:  # a skipped question takes no earlier answer back
                answered[_asked_about(answer, masks)] = answer.label_after
        return answered == labels


def answers_by_image(answers: Sequence[Decision]) -> dict[str, list[Decision]]:
    """The answers of each image, in their order."""
    found: dict[str, list[Decision]] = {}
    for answer in answers:
        found.setdefault(answer.image_id, []).append(answer)
    return found


def _asked_about(answer: Decision, masks: NDArray[np.int32]) -> NDArray[np.bool_]:
    """The pixels (H, W) of an answer."""
    if answer.pixels is None:
        return masks == answer.mask_id
    return pixels_of(answer.image_id, answer.pixels, masks.shape)
