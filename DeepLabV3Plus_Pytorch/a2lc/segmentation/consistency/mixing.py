"""Which pixels of one image are laid onto another: rectangles, or half of its classes. Drawn from PyTorch's state."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from a2lc.segmentation.consistency.settings import CutMixSettings


@dataclass(frozen=True)
class NoMixing:
    """Nothing is laid on; fulfils `Mixing`."""

    def mask(self, labels: Tensor, void: int) -> Tensor:
        """False everywhere; see `Mixing`."""
        return torch.zeros_like(labels, dtype=torch.bool)


@dataclass(frozen=True)
class CutMix:
    """A rectangle; fulfils `Mixing`.

    Source: Yun et al., "CutMix", ICCV 2019; French et al., "Semi-supervised semantic segmentation needs strong, varied
    perturbations", BMVC 2020; the ranges are those of UniMatch.

    Attributes:
        settings: Probability, area and ratio.
    """

    settings: CutMixSettings

    def mask(self, labels: Tensor, void: int) -> Tensor:
        """True in a rectangle of its own for each image, or nowhere; see `Mixing`."""
        masks = torch.zeros(labels.shape, dtype=torch.bool)
        for mask in masks:
            if _uniform(0, 1) < self.settings.probability:
                top, left, height, width = self._rectangle(*mask.shape)
                mask[top : top + height, left : left + width] = True
        return masks.to(labels.device)

    def _rectangle(self, height: int, width: int) -> tuple[int, int, int, int]:
        """Top, left, height and width of a rectangle in a crop; shapes that do not fit are drawn again."""
        area = _uniform(*self.settings.area)
        while True:
            ratio = _uniform(*self.settings.ratio)
            rows = int(height * math.sqrt(area * ratio))
            columns = int(width * math.sqrt(area / ratio))
            top = int(_uniform(0, height))
            left = int(_uniform(0, width))
            if top + rows <= height and left + columns <= width:
                return top, left, rows, columns


@dataclass(frozen=True)
class ClassMix:
    """All pixels of half of the classes that an image has, rounded up; fulfils `Mixing`.

    Source: Olsson et al., "ClassMix: Segmentation-Based Data Augmentation for Semi-Supervised Learning", WACV 2021.
    """

    def mask(self, labels: Tensor, void: int) -> Tensor:
        """True where the label is one of the chosen classes, never where it is void; see `Mixing`."""
        return torch.stack([torch.isin(of_image, _half_of(of_image, void)) for of_image in labels])


def _half_of(labels: Tensor, void: int) -> Tensor:
    """Half of the classes in a label map, rounded up."""
    classes = labels.unique()
    classes = classes[classes != void]
    chosen = torch.randperm(len(classes))[: (len(classes) + 1) // 2]
    return classes[chosen.to(classes.device)]


def lay_on(mask: Tensor, laid: Tensor, images: Tensor) -> Tensor:
    """Images (N, 3, h, w) with others laid on where the mask (N, h, w) is True."""
    return torch.where(mask.unsqueeze(1), laid, images)


def _uniform(low: float, high: float) -> float:
    return low + (high - low) * torch.rand(()).item()
