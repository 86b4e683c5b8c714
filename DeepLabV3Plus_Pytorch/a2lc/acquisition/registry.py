"""The acquisition functions by name."""

from __future__ import annotations

import difflib

from a2lc.acquisition import functions
from a2lc.acquisition.components import component_disagreement, component_error
from a2lc.acquisition.functions import Acquisition

ACQUISITIONS: dict[str, Acquisition] = {
    "abc": functions.adaptive_balanced,
    "sim": functions.similarity_weighted,
    "cil": functions.label_confidence,
    "lcil": functions.mean_label_confidence,
    "softmin": functions.soft_minimum,
    "aiou": component_error,
    "aiou_adjusted": component_disagreement,
    "entropy": functions.mean_entropy,
    "margin": functions.mean_margin,
    "area": functions.area,
    "posterior": functions.area,  # the first order; a model of the answers renews it after every batch
    "random": functions.uniform_random,
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
