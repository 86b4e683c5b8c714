"""Settings of learning from unlabelled images: what the teacher's word counts, and how the student's views differ."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, NonNegativeFloat, PositiveFloat, model_validator

from a2lc.foundation.registry import registered
from a2lc.foundation.settings import Settings
from a2lc.segmentation.consistency.registry import METHODS, MIXINGS, TRUST

Probability = Annotated[float, Field(ge=0, le=1)]
Fraction = Annotated[float, Field(ge=0, lt=1)]


def _refuse_falling(name: str, values: tuple[float, float]) -> None:
    if values[0] > values[1]:
        raise ValueError(f"{name} must be [smallest, largest], got [{values[0]:g}, {values[1]:g}]")


class StrongViewSettings(Settings):
    """Colours of a strong view; its place, size and flip are those of the weak one."""

    jitter: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Largest relative change of brightness, contrast and saturation."""
    hue: Annotated[float, Field(ge=0, le=0.5)] = 0.25
    """Largest turn of the hue, as a share of the colour circle."""
    jitter_probability: Probability = 0.8
    """How probably colours are changed at all."""
    greyscale_probability: Probability = 0.2
    """How probably an image loses its colours."""
    blur_probability: Probability = 0.5
    """How probably an image is blurred."""
    blur: tuple[PositiveFloat, PositiveFloat] = (0.1, 2.0)
    """Range of the standard deviation of the Gaussian, in pixels of the crop."""

    @model_validator(mode="after")
    def _ordered(self) -> StrongViewSettings:
        _refuse_falling("blur", self.blur)
        return self


class CutMixSettings(Settings):
    """Rectangles of one image that are laid onto another."""

    probability: Probability = 0.5
    """How probably an image gets one."""
    area: tuple[PositiveFloat, PositiveFloat] = (0.02, 0.4)
    """Range of its area, as a share of the crop."""
    ratio: tuple[PositiveFloat, PositiveFloat] = (0.3, 3.333)
    """Range of its height to its width, as that of a crop of the same shape is 1; must hold 1, so that one fits."""

    @model_validator(mode="after")
    def _possible(self) -> CutMixSettings:
        _refuse_falling("area", self.area)
        _refuse_falling("ratio", self.ratio)
        if self.area[1] > 1:
            raise ValueError(f"area ends at {self.area[1]:g}: expected at most 1, the whole crop")
        if not self.ratio[0] <= 1 <= self.ratio[1]:
            raise ValueError(f"ratio is [{self.ratio[0]:g}, {self.ratio[1]:g}]: expected a range that holds 1")
        return self


class ConsistencySettings(Settings):
    """What the student learns from images without labels."""

    name: Annotated[str, registered(METHODS)] = "fixmatch"
    """supervised, fixmatch, unimatch, mean_teacher or dacs."""
    ema_decay: Fraction = 0.0
    """Weight of its past in the teacher, which is the running mean of the student's weights; 0 = the student itself, in
    evaluation mode."""
    threshold: Annotated[float, Field(ge=0, le=1)] = 0.95
    """Probability of the predicted class from which a pixel counts as confident."""
    trust: Annotated[str, registered(TRUST)] = "pixels"
    """pixels: confident pixels teach, others do not; share: all teach, with the share of confident pixels as weight."""
    mixing: Annotated[str, registered(MIXINGS)] = "cutmix"
    """What is laid onto an image: none, cutmix (a rectangle) or classmix (half of the other image's classes)."""
    labelled_weight: NonNegativeFloat = 1.0
    """Weight of the loss of labelled images."""
    unlabelled_weight: NonNegativeFloat = 1.0
    """Weight of the loss of unlabelled images, all streams together."""
    ramp_up: Annotated[int, Field(ge=0)] = 0
    """Iterations in which the weight of unlabelled images grows from 0 to its value, linearly."""
    feature_weight: Probability = 0.5
    """Of unimatch: share of the weight of unlabelled images that is the stream with perturbed features."""
    feature_dropout: Fraction = 0.5
    """Of unimatch: share of the backbone's channels that is dropped in this stream."""
    strong: StrongViewSettings = StrongViewSettings()
    """The strong views."""
    cutmix: CutMixSettings = CutMixSettings()
    """The rectangles of CutMix."""
