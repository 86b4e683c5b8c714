"""The acquisition functions by name; each is loaded when it is first called, so that their names cost nothing."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from a2lc.acquisition.functions import Acquisition, AcquisitionContext
    from a2lc.mask_statistics import MaskPixels, MaskSummary


@dataclass(frozen=True)
class _Late:
    """An acquisition function whose module is imported at the first call.

    Attributes:
        module: Module of this room.
        function: Function in it.
    """

    module: str
    function: str

    def __call__(self, pixels: MaskPixels, summary: MaskSummary, context: AcquisitionContext) -> Tensor:
        function: Acquisition = getattr(import_module(f"a2lc.acquisition.{self.module}"), self.function)
        return function(pixels, summary, context)


ACQUISITIONS: dict[str, Acquisition] = {
    "abc": _Late("functions", "adaptive_balanced"),
    "sim": _Late("functions", "similarity_weighted"),
    "cil": _Late("functions", "label_confidence"),
    "lcil": _Late("functions", "mean_label_confidence"),
    "softmin": _Late("functions", "soft_minimum"),
    "aiou": _Late("components", "component_error"),
    "aiou_adjusted": _Late("components", "component_disagreement"),
    "entropy": _Late("functions", "mean_entropy"),
    "margin": _Late("functions", "mean_margin"),
    "area": _Late("functions", "area"),
    "posterior": _Late("functions", "area"),  # the first order; a model of the answers renews it after every batch
    "random": _Late("functions", "uniform_random"),
}


def find_acquisition(name: str) -> Acquisition:
    """The function of this name.

    Raises:
        ValueError: When there is none; the sentence names the nearest.
    """
    if name not in ACQUISITIONS:
        near = difflib.get_close_matches(name, ACQUISITIONS, n=1, cutoff=0.3)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ValueError(f"unknown acquisition '{name}': expected one of {', '.join(ACQUISITIONS)}{hint}")
    return ACQUISITIONS[name]
