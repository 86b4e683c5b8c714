"""Objectives: how a head is trained and how its logits are read as class probabilities."""

from a2lc.segmentation.objectives.base import OBJECTIVES, Objective, ObjectiveFactory, make_objective

__all__ = ["OBJECTIVES", "Objective", "ObjectiveFactory", "make_objective"]
