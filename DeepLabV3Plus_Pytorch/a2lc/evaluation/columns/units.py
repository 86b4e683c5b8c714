"""The units of metric columns, and how numbers in them are shown."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Unit:
    """A unit, and how a mean over the seeds is written in it; no number in it is below 0.

    Attributes:
        name: "fraction", "count", …
        digits: Behind the point.
        scale: What a number is multiplied with to be shown.
        sign: What stands in brackets behind a heading; "" = nothing.
        highest: The largest number that there can be.
    """

    name: str
    digits: int
    scale: int = 1
    sign: str = ""
    highest: float = math.inf

    def heading(self, text: str) -> str:
        """A heading with the unit of the numbers below it."""
        return f"{text} ({self.sign})" if self.sign else text

    def show(self, value: float) -> str:
        """A number as it stands in a table: `FRACTION.show(0.123)` is "12.30"."""
        return f"{self.scale * value:,.{self.digits}f}"


FRACTION = Unit("fraction", digits=2, scale=100, sign="%", highest=1.0)
CLICKS = Unit("clicks", digits=0)
COUNT = Unit("count", digits=1)
BITS = Unit("bits", digits=1)
SECONDS = Unit("seconds", digits=1, sign="s")
NATS = Unit("nats", digits=3, sign="nats")
