"""A finished round as the columns see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from a2lc.classes import ClassSet

if TYPE_CHECKING:  # columns are read by what must start without torch and SQL
    from a2lc.evaluation.metrics import ConfusionMatrix, SegmentationMetrics
    from a2lc.evaluation.truth import MajorityClasses
    from a2lc.labels.ledger import Decision


@dataclass(frozen=True)
class FinishedRound:
    """Everything there is to measure of a round whose network is trained.

    Attributes:
        index: Which round, 0 = before any question.
        classes: The classes of the data set.
        training: What the training wrote down: `best_mean_iou`, `last_mean_iou`, ….
        decisions: All decisions of this round, in the order in which they were made.
        asked: All questions up to and with this round.
        confusion: Its labels L_r against ground truth; None = there is no ground truth.
        majority: The true classes of masks; None = there is no ground truth.
        about: What the round's mask table says of itself; empty in round 0, which has none.
        seconds: Wall clock by stage, of the stages that are over.
    """

    index: int
    classes: ClassSet
    training: Mapping[str, Any]
    decisions: Sequence[Decision] = ()
    asked: Sequence[Decision] = ()
    confusion: ConfusionMatrix | None = None
    majority: MajorityClasses | None = None
    about: Mapping[str, Any] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)

    @cached_property
    def labels(self) -> SegmentationMetrics | None:
        """How good the labels of the round are."""
        return None if self.confusion is None else self.confusion.to_metrics()

    @cached_property
    def queried(self) -> list[Decision]:
        """The questions of this round, skipped ones included."""
        return [decision for decision in self.decisions if decision.queried]

    @cached_property
    def answered(self) -> list[Decision]:
        """The questions of this round that were not skipped."""
        return [decision for decision in self.queried if decision.label_after is not None]

    @cached_property
    def corrected(self) -> list[Decision]:
        """The answers of this round that changed a label."""
        return [decision for decision in self.answered if decision.relabelled]

    @cached_property
    def propagated(self) -> list[Decision]:
        """What a learner changed in this round, the newest decision about each mask."""
        return list({decision.key: decision for decision in self.decisions if not decision.queried}.values())
