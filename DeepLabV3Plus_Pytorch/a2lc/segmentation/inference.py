"""A trained network as scoring runs it: the same numbers up to rounding, sooner."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from a2lc.segmentation.features import Features
from a2lc.segmentation.settings import ScoringSettings

_TYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


class ScoringNetwork(nn.Module):
    """Wraps a network in the memory layout, the precision and the compilation that the settings ask for."""

    def __init__(self, network: nn.Module, settings: ScoringSettings, device: torch.device) -> None:
        """Move the network to its device.

        Args:
            network: From images (N, 3, H, W) float32 to logits (N, K, H, W).
            settings: Precision and compilation.
            device: Where to compute.
        """
        super().__init__()
        # channels last is what tensor cores want; on a CPU it speeds the backbone up and slows the head down
        self._layout = torch.channels_last if device.type == "cuda" else torch.contiguous_format
        self._device = device
        self._type = _TYPES.get(settings.mixed_precision)
        moved = network.to(device).to(memory_format=self._layout)
        self.network: Any = torch.compile(moved) if settings.compile else moved

    def forward(self, images: Tensor | Features) -> Tensor:
        """Map normalised images (N, 3, H, W) float32, or their features, to logits (N, K, H, W) float32."""
        if not isinstance(images, Features):
            images = images.contiguous(memory_format=self._layout)
        with torch.autocast(self._device.type, dtype=self._type, enabled=self._type is not None):
            logits: Tensor = self.network(images)
        return logits.float().contiguous()
