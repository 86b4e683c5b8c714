"""Learners: the contract of what learns from the answers, and the registry of its implementations.

Another one is a module that registers it:

    LEARNERS.register("mine", LearnerEntry(Needs(), lambda: MyLearner))
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from a2lc.foundation.ids import MaskKey
from a2lc.foundation.parallel import check_parallel
from a2lc.foundation.registry import Needs, Registry
from a2lc.foundation.settings import Settings

if TYPE_CHECKING:
    from a2lc.classes import ClassSet
    from a2lc.labels.ledger import Decision


@dataclass(frozen=True)
class Situation:
    """What a learner finds at the beginning of a round.

    Attributes:
        name: What the run is called in messages.
        round_index: The round, counted from 1.
        seed: Seed of the experiment.
        classes: C classes.
        keys: (image id, mask id) of the M masks, as in the mask table.
        features: (M, C) float32, mean class probabilities of each mask; all alike without a trained network.
        trained: Whether they come from a trained network.
        sections: Sections of the configuration that are about learners, by name.
        image_ids: The training images.
        first_maps: Image id → initial labels (H, W) uint8 and mask ids (H, W).
        folder: Where may be kept what depends on the first labels alone; all methods of the seed share it.
    """

    name: str
    round_index: int
    seed: int
    classes: ClassSet
    keys: Sequence[MaskKey]
    features: NDArray[np.float32]
    trained: bool
    sections: Mapping[str, Settings]
    image_ids: Sequence[str]
    first_maps: Callable[[str], tuple[NDArray[np.uint8], NDArray[np.integer]]]
    folder: Path

    def __post_init__(self) -> None:
        check_parallel(self, "keys", "features")


@dataclass(frozen=True)
class Answers:
    """All answers so far, skipped questions included.

    Attributes:
        earlier: Those of earlier rounds, oldest first.
        now: Those of this round, oldest first.
        batches: Batches of this round that they came in.
    """

    earlier: tuple[Decision, ...]
    now: tuple[Decision, ...]
    batches: int


@dataclass(frozen=True)
class NewLabel:
    """What a learner makes of a mask: a class or void, and its confidence in [0, 1] where it has one."""

    key: MaskKey
    label: int
    confidence: float | None = None


@dataclass(frozen=True)
class Order:
    """What the next questions are worth.

    Attributes:
        score: (M,) float64, finite, higher = ask first; masks as in `Situation.keys`.
        closed: Masks that are not to be asked about (again).
    """

    score: NDArray[np.float64]
    closed: frozenset[MaskKey]


class Learner(Protocol):
    """Learns from all answers so far; one object per round, asked for new labels and for the order of the questions."""

    def learn(self, answers: Answers) -> None:
        """Forget what earlier answers taught and learn from these; called once for each set of answers."""
        ...

    def new_labels(self, current: NDArray[np.int64]) -> Sequence[NewLabel]:
        """The labels to change, in the order in which the ledger is to have them.

        Args:
            current: (M,) majority label of each mask now, all decisions so far applied; `ClassSet.void` = void.
        """
        ...

    def order(self) -> Order | None:
        """The order of the next questions; None leaves it to the acquisition. Asked only where the entry says so."""
        ...


@dataclass(frozen=True)
class LearnerEntry:
    """A learner in the registry.

    Attributes:
        needs: What it cannot do without.
        load: Imports and returns what makes a learner of a situation.
        orders: Whether it gives the order of the questions too.
        features: Whether it looks at the mean class probabilities of the masks, which may take a pass of their own.
    """

    needs: Needs
    load: Callable[[], Callable[[Situation], Learner]]
    orders: bool = False
    features: bool = True


LEARNERS: Registry[LearnerEntry] = Registry("learners")


class NoLearner:
    """Learns nothing: the answers change the masks that they are about, and no other."""

    def __init__(self, situation: Situation) -> None:
        pass

    def learn(self, answers: Answers) -> None:
        """Nothing."""

    def new_labels(self, current: NDArray[np.int64]) -> Sequence[NewLabel]:
        """None."""
        return ()

    def order(self) -> Order | None:
        """The acquisition's."""
        return None
