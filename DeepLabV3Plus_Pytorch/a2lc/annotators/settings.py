"""Settings of the annotator."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from a2lc.annotators.registry import ANNOTATORS
from a2lc.foundation.registry import registered
from a2lc.foundation.settings import Settings


class AnnotatorSettings(Settings):
    """Who answers, and by which rule the simulated annotator does."""

    name: Annotated[str, registered(ANNOTATORS)] = "ground_truth"
    """ground_truth: simulated from ground truth; answers: people, through queue.csv in the folder of the round."""
    rule: Literal["majority", "representative"] = "majority"
    """Simulated answer: majority ground-truth class of the mask (A²LC), or that at its representative pixel (ALC)."""
    agreement: float = Field(0.5, ge=0, le=1)
    """The mask is relabelled only if at most this share of its pixels already has the right label."""
    void: Literal["answer", "ignore"] = "ignore"
    """answer: void ground truth counts like a class and can be the answer, which erases the mask (official code);
    ignore: void pixels have no vote, and a mask that lies on void alone keeps its label."""
