"""What is a mask: chosen by what the labels look like, unless the settings say it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from a2lc.audit.labels import Survey
from a2lc.audit.settings import AuditSettings

_COVERED = 0.6  # of an image, above which labels cover it; street scenes have 0.98 and more, PASCAL's animals 0.26
_SPRAWLING = 1 / 3  # of the labelled pixels in large regions, above which regions are no things; street scenes have 0.7


@dataclass(frozen=True)
class MaskChoice:
    """What is judged as one thing.

    Attributes:
        kind: See `AuditSettings.masks`.
        reason: Why, a sentence without a full stop.
    """

    kind: Literal["components", "superpixels"]
    reason: str


def choose_masks(settings: AuditSettings, survey: Survey) -> MaskChoice:
    """Superpixels where labels cover the image with large regions, components where objects stand on background.

    A region of road or sky is a third of an image: most of it can be right and a wrong piece of it cannot stand out.
    An object is judged best as a whole.

    Args:
        settings: What was asked for; anything but "auto" is taken as it is.
        survey: What the labels hold.
    """
    if settings.masks != "auto":
        return MaskChoice(settings.masks, f"{settings.masks}, as asked for with --masks")
    covered = f"the labels cover {survey.covered:.0%} of the images"
    large = f"{survey.sprawling:.0%} of that in regions of a tenth of an image or more"
    if survey.covered < _COVERED:
        reason = f"components, because {covered}: objects that stand on background are judged as wholes"
        return MaskChoice("components", f"{reason} (--masks superpixels cuts them)")
    if survey.sprawling < _SPRAWLING:
        reason = f"components, because {covered}, but only {large}"
        return MaskChoice("components", f"{reason} (--masks superpixels cuts them)")
    reason = f"superpixels, because {covered}, {large}: a wrong piece would not stand out in them"
    return MaskChoice("superpixels", f"{reason} (--masks components leaves regions whole)")
