"""What the student should say: labels, or the teacher's probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from a2lc.segmentation.objectives import Objective


@dataclass(frozen=True)
class Labels:
    """Labels, learned as the objective learns; fulfils `Target`.

    Attributes:
        labels: (N, h, w) uint8; void teaches nothing.
        given: Whether they were given with the images, and no teacher thought of them.
        weight: Factor of the loss, () float32; None = 1.
    """

    labels: Tensor
    given: bool
    weight: Tensor | None = None

    def loss(self, logits: Tensor, objective: Objective) -> Tensor:
        """The objective's loss; see `Target`."""
        trusted = torch.full_like(self.labels, self.given, dtype=torch.bool)
        loss = objective.loss(logits, self.labels, trusted)
        return loss if self.weight is None else loss * self.weight

    def chunk(self, parts: int) -> Sequence[Labels]:
        """Of parts of the images; see `Target`."""
        return [Labels(part, self.given, self.weight) for part in self.labels.chunk(parts)]


@dataclass(frozen=True)
class Probabilities:
    """Class probabilities of a teacher: mean over the classes of the squared differences; fulfils `Target`.

    Source: Tarvainen and Valpola, "Mean teachers are better role models", NeurIPS 2017.

    Attributes:
        probabilities: (N, C, h, w) float32.
        valid: (N, h, w) bool, where there is an image and no padding.
    """

    probabilities: Tensor
    valid: Tensor

    def loss(self, logits: Tensor, objective: Objective) -> Tensor:
        """The squared differences, summed over the pixels that are valid; see `Target`."""
        difference = objective.probabilities(logits.float()) - self.probabilities
        return (difference.square().mean(dim=1) * self.valid).sum()

    def chunk(self, parts: int) -> Sequence[Probabilities]:
        """Of parts of the images; see `Target`."""
        pairs = zip(self.probabilities.chunk(parts), self.valid.chunk(parts), strict=True)
        return [Probabilities(probabilities, valid) for probabilities, valid in pairs]
