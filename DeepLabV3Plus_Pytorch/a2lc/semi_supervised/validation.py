"""How good a network is on the validation images."""

from __future__ import annotations

import numpy as np
from torch import Tensor, nn
from torch.nn import functional

from a2lc.evaluation.metrics import ConfusionMatrix
from a2lc.segmentation import decode_once, evaluate_network
from a2lc.semi_supervised.arm import Arm


class SeenAt(nn.Module):
    """Shows images to a network in another size, and brings its logits back to theirs."""

    def __init__(self, network: nn.Module, size: tuple[int, int]) -> None:
        """Wrap a network.

        Args:
            network: From images (N, 3, h, w) float32 to logits (N, K, h, w).
            size: Height and width that it sees.
        """
        super().__init__()
        self._network = network
        self._size = size

    def forward(self, images: Tensor) -> Tensor:
        """Map images (N, 3, H, W) to logits (N, K, H, W)."""
        seen = functional.interpolate(images, self._size, mode="bilinear", align_corners=False, antialias=True)
        return functional.interpolate(self._network(seen), images.shape[-2:], mode="bilinear", align_corners=False)


def validate(arm: Arm, network: nn.Module) -> ConfusionMatrix | None:
    """Compare predictions with ground truth at the images' own size; None where there is none.

    All processes count, each its share of the images, and all get the sum.
    """
    dataset = arm.dataset
    if dataset.validation_truth is None:
        return None
    seen = SeenAt(network, arm.settings.size) if arm.settings.size else network
    training = arm.settings.training
    confusion = evaluate_network(
        seen,
        arm.processes.share(dataset.ids("val")),
        decode_once(dataset, training.cache),
        dataset.validation_truth,
        len(dataset.classes),
        training,
        arm.device,
        dataset.classes.void,
    )
    return sum(arm.processes.gather(confusion), start=ConfusionMatrix(len(dataset.classes)))


def mean_iou(arm: Arm, confusion: ConfusionMatrix) -> float:
    """Mean IoU in [0, 1] over the classes that are evaluated and occur in truth or prediction."""
    if arm.settings.evaluated is None:
        return confusion.mean_iou()
    indices = [arm.dataset.classes.names.index(name) for name in arm.settings.evaluated]
    iou = confusion.iou()[indices]
    return float(np.nanmean(iou)) if np.isfinite(iou).any() else float("nan")
