"""Settings of the acquisition."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from a2lc.acquisition.registry import ACQUISITIONS
from a2lc.foundation.registry import registered
from a2lc.foundation.settings import Settings


class AcquisitionSettings(Settings):
    """Which masks, or pixels, are asked about."""

    name: Annotated[str, registered(ACQUISITIONS)] = "abc"
    """Acquisition function: abc (A²LC), sim (ALC), cil, lcil, softmin, aiou, aiou_adjusted, entropy, margin, area,
    random, posterior (ours: the order is the learner's; by area until there are answers)."""

    pool: Literal["masks", "pixels", "pixelpick"] = "masks"
    """What can be asked about: masks (ALC's diversified pool: one representative pixel per mask), pixels (every pixel),
    or pixelpick (drawn from the 5 % of the image's pixels of largest c, as many as it has masks)."""

    look_ahead: bool = True
    """Whether a score looks ahead to all pixels that an answer is expanded to; false: the asked pixel alone."""

    expansion: float | None = Field(default=0.0, ge=0, le=1)
    """ε: an answer is expanded to the pixels of the mask whose cosine similarity to the asked pixel is at least this;
    0 = the whole mask, null = the asked pixel only."""

    smoothing: int = Field(default=1, ge=0)
    """Pixels added to every class before ABC weighs the classes; with 0 a class without a pixel has the weight 0."""

    count_void: bool = False
    """Whether ABC counts void like a class when it measures how unbalanced the classes are."""

    @model_validator(mode="after")
    def _of_pixels(self) -> AcquisitionSettings:
        """Pixels by themselves need a score that every pixel has for itself."""
        alone = ACQUISITIONS[self.name].of_pixel and not self.look_ahead and self.expansion is None
        if self.pool == "pixels" and not alone:
            of_pixels = (name for name in ACQUISITIONS if ACQUISITIONS[name].of_pixel)
            raise ValueError(
                "with pool=pixels every pixel is scored and corrected by itself: set name to one of "
                f"{', '.join(sorted(of_pixels))}, look_ahead to false and expansion to null"
            )
        return self
