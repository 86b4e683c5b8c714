"""The annotators by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from a2lc.annotators.base import Annotator
from a2lc.foundation.registry import Needs, Registry

if TYPE_CHECKING:  # the context holds the settings, which hold a name of this registry
    from a2lc.annotators.context import AnnotatorContext


@dataclass(frozen=True)
class AnnotatorEntry:
    """One kind of annotator.

    Attributes:
        make: Makes one for a batch of questions.
        needs: What it cannot do without.
    """

    make: Callable[[AnnotatorContext], Annotator]
    needs: Needs = field(default_factory=Needs)


ANNOTATORS: Registry[AnnotatorEntry] = Registry("annotators")
