"""Perturbed features: channels of the backbone that are dropped for a pass."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn
from torch.nn import functional


@contextmanager
def dropped_channels(backbone: nn.Module, share: float) -> Iterator[None]:
    """Drop whole channels of the features that a backbone gives, inside the block; the others are scaled up.

    Source: the feature perturbation of UniMatch (Yang et al., CVPR 2023, section 3.2), `Dropout2d(0.5)`.

    Args:
        backbone: Gives a list of features (N, channels, h, w).
        share: Of the channels of each image, in [0, 1); 0 = none.
    """

    def perturb(module: nn.Module, given: Any, features: list[Tensor]) -> list[Tensor]:
        return [functional.dropout2d(feature, share) for feature in features]

    if not share:
        yield
        return
    hook = backbone.register_forward_hook(perturb)
    try:
        yield
    finally:
        hook.remove()
