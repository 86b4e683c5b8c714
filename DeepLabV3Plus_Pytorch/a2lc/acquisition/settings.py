"""Settings of the acquisition."""

from __future__ import annotations

import difflib

from pydantic import Field, field_validator

from a2lc.acquisition.functions import ACQUISITIONS
from a2lc.settings import Settings


def nearest_acquisition(name: str) -> str:
    """The sentence that refuses an unknown acquisition and names the nearest valid one."""
    near = difflib.get_close_matches(name, ACQUISITIONS, n=1, cutoff=0.3)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"unknown acquisition '{name}': expected one of {', '.join(ACQUISITIONS)}{hint}"


class AcquisitionSettings(Settings):
    """Which masks are asked about."""

    name: str = "abc"
    """Acquisition function: abc (A²LC), sim (ALC), area, random, posterior (ours: by
    area first, then by what all answers say)."""

    smoothing: int = Field(default=1, ge=0)
    """Pixels added to every class before ABC weighs the classes; with 0 a class without a pixel has the weight 0."""

    count_void: bool = False
    """Whether ABC counts void like a class when it measures how unbalanced the classes are."""

    @field_validator("name")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in ACQUISITIONS:
            raise ValueError(nearest_acquisition(name))
        return name
