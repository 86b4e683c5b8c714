"""Augmentation of training images, and the normalisation that training and prediction share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torchvision import tv_tensors
from torchvision.transforms import v2

from a2lc.segmentation.features import Features
from a2lc.segmentation.randomness import torch_seed
from a2lc.segmentation.settings import TrainingSettings

VOID = 255
_BACKGROUND = 0


class Augmentation:
    """Random scale, crop, flip and colours, as a function of a seed.

    Images stay uint8: a quarter of the bytes on the way from worker to device, where `normalise` takes over.
    """

    def __init__(self, settings: TrainingSettings, void: int = VOID) -> None:
        """Compose what the settings ask for; padding with void gives the label `void`."""
        self._padding = void if settings.padding == "void" else _BACKGROUND
        fill = {tv_tensors.Image: 0, tv_tensors.Mask: self._padding}
        steps: list[nn.Module] = [_RandomScale(settings.scale)] if settings.scale else []
        steps += [_PadAllSides(settings.crop, fill)] if settings.padding_axes == "both" else []
        steps.append(v2.RandomCrop(settings.crop, pad_if_needed=True, fill=fill))
        steps += [v2.RandomHorizontalFlip()] if settings.horizontal_flip else []
        steps += [v2.ColorJitter(*[settings.color_jitter] * 3)] if settings.color_jitter else []
        self._transform = v2.Compose(steps)

    def __call__(self, image: NDArray[np.uint8], labels: NDArray[np.uint8], seed: int) -> tuple[Tensor, Tensor]:
        """Augment one image.

        Args:
            image: RGB (H, W, 3) uint8.
            labels: (H, W) uint8.
            seed: Decides all that is random.

        Returns:
            Image (3, h, w) uint8 and labels (h, w) uint8 at the crop size h, w.
        """
        view, view_labels = self._views(seed, image, labels)
        return view, view_labels

    def with_verified(
        self, image: NDArray[np.uint8], labels: NDArray[np.uint8], verified: NDArray[np.bool_], seed: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Augment one image, and say which of its pixels were verified.

        Args:
            image: RGB (H, W, 3) uint8.
            labels: (H, W) uint8.
            verified: (H, W) bool.
            seed: Decides all that is random.

        Returns:
            Image and labels as without `verified`, and (h, w) bool that moved with the labels; what was added where the
            image is smaller than the crop is not verified.
        """
        marks = np.where(verified, self._padding ^ 1, self._padding).astype(np.uint8)  # padded as labels are
        view, view_labels, view_marks = self._views(seed, image, labels, marks)
        return view, view_labels, view_marks != self._padding

    def _views(self, seed: int, image: NDArray[np.uint8], *maps: NDArray[np.uint8]) -> Iterator[Tensor]:
        """Image (3, h, w) and maps (h, w), moved together."""
        masks = [tv_tensors.Mask(_shared(each)) for each in maps]
        with torch_seed(seed):
            views = self._transform(tv_tensors.Image(_shared(image).permute(2, 0, 1)), *masks)
        return (view.as_subclass(Tensor) for view in views)


class _RandomScale(nn.Module):
    """Resizes by a uniformly drawn factor: bilinear with antialiasing for images, nearest for labels."""

    def __init__(self, scale: tuple[float, float]) -> None:
        super().__init__()
        self._scale = scale

    def forward(self, *views: Tensor) -> tuple[Tensor, ...]:
        factor = torch.empty(()).uniform_(*self._scale).item()
        size = [max(1, int(side * factor)) for side in views[0].shape[-2:]]
        return tuple(v2.functional.resize(view, size) for view in views)


class _PadAllSides(nn.Module):
    """Pads left, right, top and bottom alike, by half of what the axis that lacks most lacks, rounded up.

    The official code pads all sides for the width and then for what the height still lacks, which adds up to the same.
    """

    def __init__(self, crop: tuple[int, int], fill: dict[type, int]) -> None:
        super().__init__()
        self._crop = crop
        self._fill = fill

    def forward(self, *views: Tensor) -> tuple[Tensor, ...]:
        lacking = max(crop - side for crop, side in zip(self._crop, views[0].shape[-2:], strict=True))
        return v2.Pad((lacking + 1) // 2, fill=self._fill)(*views) if lacking > 0 else views


def _shared(array: NDArray[np.uint8]) -> Tensor:
    """The array as a tensor without a copy, unless it is read-only, of which PyTorch warns.

    torchvision resizes images whose colours lie together, as they do in `array`, several times faster than others.
    """
    return torch.from_numpy(np.require(array, requirements="W"))


def to_tensor(image: NDArray[np.uint8]) -> Tensor:
    """Turn an RGB image (H, W, 3) uint8 into a tensor (3, H, W) uint8 of its own memory."""
    return torch.tensor(image).permute(2, 0, 1).contiguous()


def normalise(images: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """Map images (..., 3, H, W) uint8 to float32: (image / 255 - mean) / std per channel."""
    return v2.functional.normalize(v2.functional.to_dtype(images, torch.float32, scale=True), list(mean), list(std))


def as_sample(image: NDArray[np.uint8] | Features) -> Tensor | Features:
    """What becomes part of a batch: an RGB image (H, W, 3) uint8 as a tensor (3, H, W), features as they are."""
    return image if isinstance(image, Features) else to_tensor(image)


def size_of(image: Tensor | Features) -> tuple[int, int]:
    """Height and width of the image (3, H, W), or of that which the features are of."""
    return image.image_size if isinstance(image, Features) else (image.shape[-2], image.shape[-1])


def as_input(
    images: Tensor | Features,
    mean: Sequence[float],
    std: Sequence[float],
    memory_format: torch.memory_format = torch.contiguous_format,
) -> Tensor | Features:
    """What the network takes: images (N, 3, H, W) uint8 are normalised, features are ready as they are."""
    if isinstance(images, Features):
        return images
    return normalise(images, mean, std).contiguous(memory_format=memory_format)
