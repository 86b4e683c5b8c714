"""What a step of a teacher and its student is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from a2lc.segmentation.consistency.pseudo_labels import PseudoLabels
from a2lc.segmentation.objectives import Objective

Teaching = Callable[[Tensor], Tensor]  # images (N, 3, h, w) uint8 → probabilities (N, C, h, w) float32, no gradient


@dataclass(frozen=True)
class Batch:
    """What a process has of a step, on its device.

    Attributes:
        images: Labelled images (N, 3, h, w) uint8.
        labels: Their labels (N, h, w) uint8.
        weak: Weak views of unlabelled images (N, 3, h, w) uint8.
        valid: (N, h, w) bool, where the weak views show the image and no padding.
    """

    images: Tensor
    labels: Tensor
    weak: Tensor
    valid: Tensor


class Target(Protocol):
    """What the student should say about the images of a pass."""

    def loss(self, logits: Tensor, objective: Objective) -> Tensor:
        """The loss of logits (N, K, h, w), summed over the pixels: () float32."""
        ...

    def chunk(self, parts: int) -> Sequence[Target]:
        """The same for parts of the images, divided as `Tensor.chunk` divides."""
        ...


@dataclass(frozen=True)
class Lesson:
    """Images that the student sees, and what it should say about them.

    Attributes:
        images: (N, 3, h, w) uint8.
        targets: Their losses are added.
        pixels: () integer, by which the sum is divided; that of all processes is.
        weight: Factor of the mean.
        feature_dropout: Share of the backbone's channels that is dropped.
    """

    images: Tensor
    targets: Sequence[Target]
    pixels: Tensor
    weight: float
    feature_dropout: float = 0.0


class Method(Protocol):
    """What a student learns in a step."""

    def lessons(self, batch: Batch, teacher: Teaching, unlabelled_weight: float) -> Iterator[Lesson]:
        """The lessons of a step, as many in every step; what is random is drawn from PyTorch's random state.

        Args:
            batch: Labelled and unlabelled images.
            teacher: Gives class probabilities.
            unlabelled_weight: Weight of the loss of unlabelled images in this step.
        """
        ...


class Mixing(Protocol):
    """Which pixels of one image are laid onto another."""

    def mask(self, labels: Tensor, void: int) -> Tensor:
        """(N, h, w) bool, True where a pixel is laid on.

        Args:
            labels: Labels (N, h, w) uint8 of the images that are laid on.
            void: Label of pixels that belong to no class.
        """
        ...


class Trust(Protocol):
    """How much the teacher's word counts."""

    def judge(self, pseudo: PseudoLabels, void: int) -> tuple[Tensor, Tensor]:
        """What is learned: labels (N, h, w) uint8, void where nothing is, and a weight of all of them, () float32."""
        ...
