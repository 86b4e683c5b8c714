"""Two feature maps at the strides of DeepLabV3+, made from those of a backbone whose own strides are others.

Source: Li, Mao, Girshick and He, "Exploring Plain Vision Transformer Backbones for Object Detection", ECCV 2022
(ViTDet): up- and downsampled features of a plain transformer serve as well as those of a hierarchy.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from timm.models import FeatureInfo
from torch import Tensor, nn
from torch.nn import functional


class Pyramid(nn.Module):
    """A timm model that sees images of any size, and two of its feature maps, brought to other strides.

    Images are padded on the right and below, with 0 = the mean colour, to multiples of the model's deepest stride.
    What the padding adds is cut off the features: each map covers exactly the image. Nothing here has weights but the
    model, so that a frozen backbone is frozen altogether; where the lower map is coarser than stride 4, the head
    enlarges it.

    Attributes:
        model: The timm model; its names in the state dict stand below `model.`.
        feature_info: Channels and strides of the two maps, as of a timm `features_only` model.
        strides: Of the two maps as the model gives them, in pixels.
        step: The deeper one of them.
    """

    def __init__(
        self, model: nn.Module, channels: Sequence[int], strides: Sequence[int], targets: Sequence[int]
    ) -> None:
        """Wrap `model`; what `forward` needs of it is said by `levels`.

        Args:
            model: A timm model.
            channels: Of the lower and the higher map.
            strides: Pixels of the image per pixel of either map as the model gives them; the second is the deepest.
            targets: Pixels of the image per pixel of either map as `forward` gives them.
        """
        super().__init__()
        self.model: Any = model
        maps = [
            {"num_chs": count, "reduction": stride, "module": f"level.{index}"}
            for index, (count, stride) in enumerate(zip(channels, targets, strict=True))
        ]
        self.feature_info = FeatureInfo(maps, (0, 1))
        self.strides = tuple(strides)
        self.step = self.strides[-1]
        self._targets = tuple(targets)

    def levels(self, images: Tensor) -> Sequence[Tensor]:
        """Map images (N, 3, H, W), H and W multiples of the deepest stride, to the two maps (N, C, h, w)."""
        raise NotImplementedError  # each kind of backbone has its own

    def forward(self, images: Tensor) -> list[Tensor]:
        """Map images (N, 3, H, W) to two maps (N, C, ⌈H / target⌉, ⌈W / target⌉), the lower one first."""
        height, width = images.shape[-2:]
        padded = functional.pad(images, (0, -width % self.step, 0, -height % self.step))
        return [
            resample(
                features,
                (height / stride, width / stride),
                (math.ceil(height / target), math.ceil(width / target)),
            )
            for features, stride, target in zip(self.levels(padded), self.strides, self._targets, strict=True)
        ]


class StagePyramid(Pyramid):
    """The first map of stride 4 or more and the deepest one of a `features_only` model with stages."""

    def __init__(self, model: Any, output_stride: int, low_stride: int) -> None:
        """Choose maps of `model`.

        Args:
            model: A timm `features_only` model.
            output_stride: Target of the deepest map.
            low_stride: Smallest stride of the lower map.
        """
        info = model.feature_info
        strides = info.reduction()
        low = next(index for index, stride in enumerate(strides) if stride >= low_stride)
        channels = [info.channels()[low], info.channels()[-1]]
        super().__init__(
            model, channels, [strides[low], strides[-1]], [min(strides[low], output_stride), output_stride]
        )
        self._low = low
        self._channels_last = getattr(model, "output_fmt", "NCHW") == "NHWC"

    def levels(self, images: Tensor) -> Sequence[Tensor]:
        """See `Pyramid.levels`."""
        features = self.model(images)
        maps = [features[self._low], features[-1]]
        return [features.permute(0, 3, 1, 2) for features in maps] if self._channels_last else maps


class BlockPyramid(Pyramid):
    """What a plain transformer has after a third of its blocks, and after the last; both through its last norm."""

    def __init__(self, model: Any, output_stride: int) -> None:
        """Choose maps of `model`, and cut off what follows its last block and norm.

        Args:
            model: A timm model with `forward_intermediates`, whose blocks all have one stride, that of the patch.
            output_stride: Target of the map after the last block.
        """
        blocks = model.feature_info
        taken = [max(len(blocks) // 3 - 1, 0), len(blocks) - 1]
        channels = [blocks[index].get("num_chs_norm", blocks[index]["num_chs"]) for index in taken]
        patch = blocks[-1]["reduction"]
        model.prune_intermediate_layers(taken, prune_norm=False)
        super().__init__(model, channels, [patch, patch], [min(_power_of_two(patch), output_stride), output_stride])
        self._taken = taken

    def levels(self, images: Tensor) -> Sequence[Tensor]:
        """See `Pyramid.levels`."""
        maps: Sequence[Tensor] = self.model.forward_intermediates(
            images, indices=self._taken, norm=True, output_fmt="NCHW", intermediates_only=True
        )
        return maps


def resample(features: Tensor, shown: tuple[float, float], size: tuple[int, int]) -> Tensor:
    """Bilinear interpolation of the upper left part of feature maps.

    With the whole maps `shown` it is `torch.nn.functional.interpolate(..., align_corners=False)`.

    Args:
        features: (N, C, h, w).
        shown: Height and width of the part in pixels of the features, fractions included.
        size: Height and width of the result, which covers exactly that part.
    """
    if shown == size == features.shape[-2:]:
        return features
    rows = _interpolation(features, features.shape[-2], shown[0], size[0])
    columns = _interpolation(features, features.shape[-1], shown[1], size[1])
    return rows @ features @ columns.T


def _interpolation(like: Tensor, pixels: int, shown: float, count: int) -> Tensor:
    """The matrix (count, pixels) that makes `count` pixels from the first `shown` ones."""
    centres = (torch.arange(count, device=like.device) + 0.5) * (shown / count) - 0.5
    distances = centres.clamp(0, pixels - 1)[:, None] - torch.arange(pixels, device=like.device)
    return (1 - distances.abs()).clamp(min=0).to(like.dtype)


def _power_of_two(stride: int) -> int:
    """The nearest one, so that a whole number of enlargements leads to stride 4."""
    return 2 ** max(round(math.log2(stride)), 2)
