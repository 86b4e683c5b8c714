"""What an annotator is: somebody who is shown a mask with a class and says yes, names the right class, or skips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from a2lc.labels.ledger import Decision
from a2lc.labels.run_length import decode_runs
from a2lc.labels.state import LabelState


@dataclass(frozen=True)
class Query:
    """One question: is this mask a <label>?

    Attributes:
        image_id: The image.
        mask_id: The mask within the image.
        label: The class that is shown, the mask's majority current label (255 = void).
        score: Its acquisition score.
        representative: Row and column of ALC's representative pixel.
        pixels: The pixels that the answer will be about, as `run_length.encode_runs` writes them; None = all.
    """

    image_id: str
    mask_id: int
    label: int
    score: float
    representative: tuple[int, int]
    pixels: str | None = None

    def inside(self, masks: NDArray[np.integer]) -> NDArray[np.bool_]:
        """The pixels of the question (H, W) bool, given the mask map (H, W) of the image."""
        return masks == self.mask_id if self.pixels is None else decode_runs(self.pixels, masks.shape)


class Annotator(Protocol):
    """Answers queries."""

    def answer(self, queries: Sequence[Query], state: LabelState) -> list[Decision]:
        """Answer all queries, in their order, given the current labels.

        Raises:
            WaitingForAnswers: When a person has to answer first; nothing is lost, the same command continues.
            InputError: When an answer is not valid; every problem is listed and none is taken.
        """
        ...
