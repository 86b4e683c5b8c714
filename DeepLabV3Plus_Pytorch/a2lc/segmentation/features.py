"""What a backbone makes of images, in the place of the images."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

_MOST = torch.finfo(torch.float16).max


class Features(NamedTuple):
    """The features that the head reads; `DeepLabV3Plus` takes them in the place of normalised images.

    Attributes:
        low: (N, A, h, w) float16 at stride 4, or (A, h, w) of one image before it becomes part of a batch.
        deep: (N, B, h', w') float16 at the output stride, or (B, h', w').
        size: (N, 2) or (2,) integers: height and width of the images in pixels, all of one size.
    """

    low: Tensor
    deep: Tensor
    size: Tensor

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of the images in pixels."""
        height, width = self.size.reshape(-1, 2)[0].tolist()
        return height, width

    def to(self, device: torch.device, non_blocking: bool = False) -> Features:
        """The same on another device, as of a tensor."""
        return Features(self.low.to(device, non_blocking=True), self.deep.to(device, non_blocking=True), self.size)

    def chunk(self, parts: int) -> tuple[Features, ...]:
        """The images divided into parts, as of a tensor."""
        divided = zip(self.low.chunk(parts), self.deep.chunk(parts), self.size.chunk(parts), strict=True)
        return tuple(Features(*part) for part in divided)


def in_16_bits(features: Tensor) -> Tensor:
    """The nearest values that float16 holds, as float32.

    A frozen backbone's features are read as 16 bits hold them, whether they were kept or are computed now: so kept ones
    take half the space and change nothing.
    """
    return features.clamp(-_MOST, _MOST).half().float()
