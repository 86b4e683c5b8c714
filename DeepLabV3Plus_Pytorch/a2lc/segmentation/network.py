"""DeepLabV3+ on a timm backbone.

Source: Chen, Zhu, Papandreou, Schroff and Adam, "Encoder-Decoder with Atrous Separable Convolution for Semantic Image
Segmentation", ECCV 2018.
"""

from __future__ import annotations

from typing import Any

import torch
from timm.layers import SeparableConv2d
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models.segmentation.deeplabv3 import ASPP

from a2lc.segmentation.backbones import LOW_LEVEL_STRIDE, build_backbone
from a2lc.segmentation.features import Features, in_16_bits
from a2lc.segmentation.randomness import torch_seed
from a2lc.segmentation.settings import NetworkSettings

LOW_LEVEL_CHANNELS = 48


class DeepLabV3Plus(nn.Module):
    """DeepLabV3+: a dilated backbone, an atrous spatial pyramid, and a decoder that adds features of stride 4.

    With a ResNet the names in the state dict are those of torchvision below `backbone.` and those that public
    DeepLabV3+ checkpoints use below `classifier.`.
    """

    def __init__(self, backbone: nn.Module, settings: NetworkSettings, channels: int) -> None:
        """Put a freshly initialised head on `backbone`.

        Args:
            backbone: From `build_backbone`: a module with timm's `feature_info`, whose first features of stride 4 or
                more are the low-level ones; the last have the output stride.
            settings: Shape of the head.
            channels: K, channels of the logits; `Objective.channels`.
        """
        super().__init__()
        info: Any = backbone.feature_info
        features = info.channels()
        strides = info.reduction()
        self.low_level = next(index for index, stride in enumerate(strides) if stride >= LOW_LEVEL_STRIDE)
        self.frozen = settings.frozen
        self.backbone = backbone.requires_grad_(False) if settings.frozen else backbone
        self.classifier = _Head(features[self.low_level], features[-1], settings, channels)
        if strides[self.low_level] > LOW_LEVEL_STRIDE:
            self.classifier.enlarge(strides[self.low_level] // LOW_LEVEL_STRIDE)

    def forward(self, images: Tensor | Features) -> Tensor:
        """Map normalised images (N, 3, H, W) float32, or their features, to logits (N, K, H, W)."""
        if isinstance(images, Features):
            low, deep, size = images.low.float(), images.deep.float(), images.image_size
        else:
            (low, deep), size = self.features(images), (images.shape[-2], images.shape[-1])
        logits = self.classifier(low, deep)
        return functional.interpolate(logits, size=size, mode="bilinear", align_corners=False)

    def features(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """What the head reads of normalised images (N, 3, H, W) float32: (N, A, h, w) at stride 4, and the deepest.

        Those of a frozen backbone have no gradient, and only values that 16 bits can hold; see `Features`.
        """
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            found = self.backbone(images)
        low, deep = found[self.low_level], found[-1]
        return (in_16_bits(low), in_16_bits(deep)) if self.frozen else (low, deep)

    def train(self, mode: bool = True) -> DeepLabV3Plus:
        """Put the head, and a backbone that learns, into training mode; a frozen one keeps its BatchNorm statistics."""
        super().train(mode)
        if self.frozen:
            self.backbone.eval()
        return self


class _Head(nn.Module):
    """Atrous pyramid on the deep features, joined with the low-level features by the decoder."""

    def __init__(self, low_channels: int, high_channels: int, settings: NetworkSettings, channels: int) -> None:
        super().__init__()
        width = settings.aspp_channels
        self.project = nn.Sequential(
            nn.Conv2d(low_channels, LOW_LEVEL_CHANNELS, 1, bias=False), nn.BatchNorm2d(LOW_LEVEL_CHANNELS), nn.ReLU()
        )
        self.aspp = ASPP(high_channels, settings.rates, width)
        self.aspp.project[-1] = _Dropout(settings.dropout)
        self.classifier = nn.Sequential(
            nn.Conv2d(LOW_LEVEL_CHANNELS + width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, channels, 1),
        )
        if settings.separable:
            _separate(self)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)

    def enlarge(self, factor: int) -> None:
        """Bring low-level features of a coarser stride than 4 there, once they have few channels; adds no weights."""
        self.project.append(nn.Upsample(scale_factor=factor, mode="bilinear"))

    def forward(self, low: Tensor, high: Tensor) -> Tensor:
        details = self.project(low)
        pyramid = functional.interpolate(self.aspp(high), size=details.shape[-2:], mode="bilinear", align_corners=False)
        return self.classifier(torch.cat([details, pyramid], dim=1))


class _Dropout(nn.Dropout):
    """Drops the same values whatever the memory format of the features."""

    def forward(self, features: Tensor) -> Tensor:
        return super().forward(features.contiguous()) if self.training else features


def _separate(head: nn.Module) -> None:
    """Put depthwise separable convolutions in the place of all 3x3 convolutions."""
    for parent in list(head.modules()):
        for name, conv in list(parent.named_children()):
            if isinstance(conv, nn.Conv2d) and conv.kernel_size == (3, 3):
                separable = SeparableConv2d(conv.in_channels, conv.out_channels, 3, dilation=conv.dilation[0])
                setattr(parent, name, separable)


def build_network(settings: NetworkSettings, channels: int, seed: int) -> DeepLabV3Plus:
    """Build the network on the CPU; its random weights are a function of `seed`, the global random state is left alone.

    Args:
        settings: Backbone, its weights, and the shape of the head.
        channels: K, channels of the logits; `Objective.channels`.
        seed: From `a2lc.foundation.seeding.seed_of`.

    Raises:
        InputError: When the backbone is unknown or has not the features needed, or its weights cannot be had.
    """
    with torch_seed(seed):
        network = DeepLabV3Plus(build_backbone(settings), settings, channels)
    for module in network.backbone.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = settings.backbone_batchnorm_momentum
    return network
