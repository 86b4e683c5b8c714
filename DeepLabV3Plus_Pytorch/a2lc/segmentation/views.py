"""How the network sees an image: at its own size, padded to the training crop, or squashed into half of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.transforms import v2

from a2lc.segmentation.features import Features
from a2lc.segmentation.objectives import Objective
from a2lc.segmentation.settings import ViewName
from a2lc.segmentation.transforms import as_input, normalise


class View(Protocol):
    """A way from an image to the class probabilities of its pixels."""

    def probabilities(
        self, network: nn.Module, images: Tensor, mean: Sequence[float], std: Sequence[float], objective: Objective
    ) -> Tensor:
        """Show images of one size to the network.

        Args:
            network: In evaluation mode.
            images: (N, 3, H, W) uint8, on the device of the network; the native view takes their features as well.
            mean: Mean of the normalisation.
            std: Standard deviation of the normalisation.
            objective: Reads the logits.

        Returns:
            (N, C, H, W) float32 at the images' own size, on the same device; the classes of a pixel sum to 1.
        """
        ...


@dataclass(frozen=True)
class NativeView:
    """The images as they are."""

    @torch.inference_mode()
    def probabilities(
        self,
        network: nn.Module,
        images: Tensor | Features,
        mean: Sequence[float],
        std: Sequence[float],
        objective: Objective,
    ) -> Tensor:
        """Show the images at their own size, or what the backbone made of them; see `View`."""
        logits: Tensor = network(as_input(images, mean, std))
        return objective.probabilities(logits)


@dataclass(frozen=True)
class PaddedView:
    """The image in the middle of a black canvas; an axis along which it is longer than the canvas is not padded.

    Attributes:
        canvas: Height and width in pixels.
        shift: Whether the image's window is cut from the logits at the official code's offset. That rounds half a
            pixel to even, while the image is put in at the offset rounded down, so for some sizes they differ by one.
    """

    canvas: tuple[int, int]
    shift: bool = False

    @torch.inference_mode()
    def probabilities(
        self, network: nn.Module, images: Tensor, mean: Sequence[float], std: Sequence[float], objective: Objective
    ) -> Tensor:
        """Show the canvas and cut the image's window out of the logits; see `View`."""
        height, width = images.shape[-2:]
        rows, columns = max(self.canvas[0] - height, 0), max(self.canvas[1] - width, 0)
        above, left = rows // 2, columns // 2
        padded = functional.pad(images, [left, columns - left, above, rows - above])
        top, start = (round(rows / 2), round(columns / 2)) if self.shift else (above, left)
        logits: Tensor = network(normalise(padded, mean, std))
        return objective.probabilities(logits[:, :, top : top + height, start : start + width])


@dataclass(frozen=True)
class SquashedView:
    """The image resized to half the canvas, whatever its aspect ratio, in the middle of the black canvas.

    Attributes:
        canvas: Height and width in pixels.
        shift: As in `PaddedView`.
    """

    canvas: tuple[int, int]
    shift: bool = False

    @torch.inference_mode()
    def probabilities(
        self, network: nn.Module, images: Tensor, mean: Sequence[float], std: Sequence[float], objective: Objective
    ) -> Tensor:
        """Show the squashed image and stretch its probabilities, not its logits, to the image's size; see `View`."""
        squashed = v2.functional.resize(images, [max(1, side // 2) for side in self.canvas])
        inner = PaddedView(self.canvas, self.shift).probabilities(network, squashed, mean, std, objective)
        return functional.interpolate(inner, size=images.shape[-2:], mode="bilinear", align_corners=False)


def make_view(name: ViewName, crop: tuple[int, int], shift: bool) -> View:
    """The view of that name.

    Args:
        name: One of `ScoringSettings.views`.
        crop: Height and width of the training crop: the canvas of the padded and the squashed view.
        shift: Whether they cut the image's window at the official code's offset.
    """
    if name == "native":
        return NativeView()
    return PaddedView(crop, shift) if name == "padded" else SquashedView(crop, shift)
