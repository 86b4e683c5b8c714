"""Objectives: how a head is trained and how its logits are read as class probabilities."""

from a2lc.segmentation.objectives import entries  # noqa: F401  registers those of the house
from a2lc.segmentation.objectives.base import OBJECTIVES, Objective, ObjectiveFactory, make_objective
from a2lc.segmentation.objectives.settings import LossSettings

__all__ = ["OBJECTIVES", "LossSettings", "Objective", "ObjectiveFactory", "make_objective"]
