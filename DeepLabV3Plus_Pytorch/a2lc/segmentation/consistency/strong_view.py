"""The strong view of an image: other colours, none, or blurred; every pixel stays in its place."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torchvision.transforms import v2

from a2lc.segmentation.consistency.settings import StrongViewSettings


class StrongView:
    """Changes each image of a batch in its own way, drawn from PyTorch's random state of the CPU.

    Source: the strong views of UniMatch (Yang et al., CVPR 2023).
    """

    def __init__(self, settings: StrongViewSettings) -> None:
        """Compose what the settings ask for."""
        jitter = v2.ColorJitter(settings.jitter, settings.jitter, settings.jitter, settings.hue)
        blur = v2.GaussianBlur(2 * math.ceil(3 * settings.blur[1]) + 1, settings.blur)  # three deviations to each side
        self._transform = v2.Compose(
            [
                v2.RandomApply([jitter], settings.jitter_probability),
                v2.RandomGrayscale(settings.greyscale_probability),
                v2.RandomApply([blur], settings.blur_probability),
            ]
        )

    def __call__(self, images: Tensor) -> Tensor:
        """Strong views of images (N, 3, h, w) uint8, in the same shape."""
        return torch.stack([self._transform(image) for image in images])
