"""Settings of the acquisition."""

from __future__ import annotations

import difflib

from pydantic import field_validator

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
    """Acquisition function: abc (A²LC), sim (ALC), area, random."""

    @field_validator("name")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in ACQUISITIONS:
            raise ValueError(nearest_acquisition(name))
        return name
