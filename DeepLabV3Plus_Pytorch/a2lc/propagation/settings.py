"""Settings of the propagation."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from a2lc.foundation.errors import InputError
from a2lc.foundation.registry import registered
from a2lc.foundation.settings import Settings
from a2lc.propagation.registry import LEARNERS

Confidence = Annotated[float, Field(ge=0, le=1)]


class PropagationSettings(Settings):
    """Whether and how the answers of a round correct masks that nobody was asked about."""

    name: Annotated[str, registered(LEARNERS)] = "lcm"
    """What propagates: lcm (the label correction module), posterior (ours: a model of all answers, which
    takes back what later answers speak against) or none."""

    mode: Literal["compat", "fixed"] = "fixed"
    """Loss of the module: compat applies softmax twice as the official code does, fixed once."""

    threshold: Confidence | tuple[Confidence, ...] | None = None
    """Lowest confidence that changes a label, in [0, 1]: one value, or a list with one per round. Empty: chosen in each
    round from held-out answers (mode fixed only)."""

    target_precision: float = Field(default=0.9, gt=0, lt=1)
    """Share of the automatic changes that are to be right, in (0, 1), where the threshold is chosen."""

    folds: int = Field(default=5, ge=2)
    """Parts the answered masks are split into, each held out once, where the threshold is chosen."""

    minimum_support: int = Field(default=10, ge=1)
    """Fewest held-out changes on which a threshold is chosen; with fewer nothing is propagated."""

    tail_fraction: float = Field(default=0.5, ge=0, le=1)
    """Share of the classes, fewest answers first, that nothing is ever changed to."""

    fill_void: bool = True
    """Whether a mask that nobody was asked about and whose label is void may be given a class."""

    epochs: int = Field(default=100, ge=1)
    """Passes over the answered masks."""

    batch_size: int = Field(default=8, ge=1)
    """Masks per optimizer step."""

    learning_rate: float = Field(default=1e-4, gt=0)
    """Adam's learning rate."""

    @model_validator(mode="after")
    def _compat_needs_a_threshold(self) -> PropagationSettings:
        if self.name == "lcm" and self.mode == "compat" and self.threshold is None:
            raise ValueError("mode compat needs a threshold: the official one for PASCAL is 0.99; or use mode fixed")
        return self

    def threshold_of(self, round_index: int) -> float | None:
        """The confidence threshold of a round.

        Args:
            round_index: Counted from 1.

        Returns:
            A confidence in [0, 1], or None where it is to be chosen from held-out answers.

        Raises:
            InputError: When the list of thresholds is shorter than that.
        """
        if not isinstance(self.threshold, tuple):
            return self.threshold
        if not 1 <= round_index <= len(self.threshold):
            raise InputError(
                f"propagation.threshold has {len(self.threshold)} values but round {round_index} needs one: "
                f"give a value for every round, or a single one for all"
            )
        return self.threshold[round_index - 1]
