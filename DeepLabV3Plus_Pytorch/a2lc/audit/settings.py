"""Settings of an audit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, ValidationError

from a2lc.foundation.errors import InputError
from a2lc.foundation.layers import explain
from a2lc.foundation.settings import Settings

ScoreName = Literal["calibrated", "pooled", "lcil", "softmin", "issues"]


class AuditSettings(Settings):
    """What is a mask, and how suspicion is measured."""

    folds: int = Field(5, ge=2)
    """Parts of the data; a network is trained for each, on the images of the others."""
    masks: Literal["auto", "components", "superpixels"] = "auto"
    """components: connected regions of one class; superpixels: those cut along edges; auto: as the labels suggest."""
    min_pixels: int = Field(100, ge=1)
    """Smaller masks are left out, in pixels."""
    superpixels: int = Field(200, ge=2)
    """About how many superpixels an image is cut into; fewer where they would be smaller than three smallest masks."""
    background: bool = False
    """Whether regions of the background are masks too, where the class list has a background."""
    score: ScoreName = "calibrated"
    """What masks are ranked by; see `a2lc.audit.scores`."""


def audit_settings(options: Mapping[str, Any]) -> AuditSettings:
    """Settings from the options of the command line; other options are passed over.

    Raises:
        InputError: When a value is out of range; every problem is listed.
    """
    try:
        return AuditSettings(**{name: options[name] for name in AuditSettings.model_fields})
    except ValidationError as error:
        raise InputError(explain(error, AuditSettings, "of the audit")) from None
