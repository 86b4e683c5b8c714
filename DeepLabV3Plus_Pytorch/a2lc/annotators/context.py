"""What the loop hands an annotator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from a2lc.annotators.settings import AnnotatorSettings
from a2lc.classes import ClassSet
from a2lc.labels.base import LabelSource
from a2lc.labels.ledger import Decision


@dataclass(frozen=True)
class AnnotatorContext:
    """What an annotator works with while it answers one batch of questions.

    Attributes:
        settings: The rules of the simulated annotator.
        classes: The classes that an answer may name.
        image: Gives the RGB image (H, W, 3) uint8 of an id.
        ground_truth: Ground truth of the training images, None where there is none.
        inbox: File of the inbox.
        round_index: The round.
        batch: The batch of questions within the round, from 0.
        queue: Where questions to people are written.
        answers: A filled copy of the queue; None = the queue itself is filled in place.
        person: Who answers a queue, for the ledger.
        answered: Gives the answers so far, oldest first.
    """

    settings: AnnotatorSettings
    classes: ClassSet
    image: Callable[[str], NDArray[np.uint8]]
    ground_truth: LabelSource | None
    inbox: Path
    round_index: int
    batch: int
    queue: Path
    answers: Path | None = None
    person: str = "answers"
    answered: Callable[[], Sequence[Decision]] = tuple
