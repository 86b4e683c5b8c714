"""The acquisition functions by name, with what they need; the functions themselves are imported when one is used.

Another one is a module that registers it:

    ACQUISITIONS.register("mine", AcquisitionEntry(Needs(network=True), lambda: my_function))
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from a2lc.foundation.registry import Needs, Registry

if TYPE_CHECKING:
    from a2lc.acquisition.functions import Acquisition


@dataclass(frozen=True)
class AcquisitionEntry:
    """An acquisition function in the registry.

    Attributes:
        needs: What it cannot do without.
        load: Imports and returns the function.
        of_pixel: Whether the score of a single pixel is its error c(x), so that pixels can be asked about.
        by_learner: Whether the order of the questions is the learner's; the function scores the mask table, no more.
    """

    needs: Needs
    load: Callable[[], Acquisition]
    of_pixel: bool = False
    by_learner: bool = False


ACQUISITIONS: Registry[AcquisitionEntry] = Registry("acquisitions")


def _imported(module: str, function: str) -> Callable[[], Acquisition]:
    """Imports a function of this room when it is used: `functions` brings torch along, `components` scikit-image."""

    def load() -> Acquisition:
        found: Acquisition = getattr(import_module(f"a2lc.acquisition.{module}"), function)
        return found

    return load


_NETWORK = Needs(network=True)
_AREA = _imported("functions", "area")
_BUILT_IN = {
    "abc": AcquisitionEntry(_NETWORK, _imported("functions", "adaptive_balanced")),
    "sim": AcquisitionEntry(_NETWORK, _imported("functions", "similarity_weighted"), of_pixel=True),
    "cil": AcquisitionEntry(_NETWORK, _imported("functions", "label_confidence"), of_pixel=True),
    "lcil": AcquisitionEntry(_NETWORK, _imported("functions", "mean_label_confidence"), of_pixel=True),
    "softmin": AcquisitionEntry(_NETWORK, _imported("functions", "soft_minimum")),
    "aiou": AcquisitionEntry(_NETWORK, _imported("components", "component_error")),
    "aiou_adjusted": AcquisitionEntry(_NETWORK, _imported("components", "component_disagreement")),
    "entropy": AcquisitionEntry(_NETWORK, _imported("functions", "mean_entropy")),
    "margin": AcquisitionEntry(_NETWORK, _imported("functions", "mean_margin")),
    "area": AcquisitionEntry(Needs(), _AREA),
    # the learner's first order, before it has any answers, is by area as well
    "posterior": AcquisitionEntry(Needs(whole_masks=True), _AREA, by_learner=True),
    "random": AcquisitionEntry(Needs(), _imported("functions", "uniform_random")),
}
for _name, _entry in _BUILT_IN.items():
    ACQUISITIONS.register(_name, _entry)
