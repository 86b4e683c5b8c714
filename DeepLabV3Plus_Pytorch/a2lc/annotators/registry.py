"""The annotators by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from a2lc.annotators.base import Annotator
from a2lc.foundation.registry import Needs, Registry


@dataclass(frozen=True)
class AnnotatorEntry:
    """One kind of annotator.

    Attributes:
        make: Makes one for a batch of questions, of an `AnnotatorContext`; the context holds the settings, and these a
            name of this registry, so it cannot be typed here.
        needs: What it cannot do without.
    """

    make: Callable[[Any], Annotator]
    needs: Needs = field(default_factory=Needs)


ANNOTATORS: Registry[AnnotatorEntry] = Registry("annotators")
