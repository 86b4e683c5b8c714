"""What the objectives with a channel per class and softmax over them have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class SoftmaxObjective(ABC):
    """Believes a label as far as its formula says, and a verified one fully: by cross-entropy; fulfils `Objective`.

    Attributes:
        num_classes: C.
        void: Label of the pixels that teach nothing.
    """

    num_classes: int
    void: int

    @property
    def channels(self) -> int:
        """K = C: one channel per class."""
        return self.num_classes

    @property
    def distinguishes(self) -> bool:
        """Verified pixels count otherwise than others."""
        return True

    def loss(self, logits: Tensor, labels: Tensor, trusted: Tensor | None = None) -> Tensor:
        """Sum of the pixels' losses; see `Objective`."""
        log_probabilities = logits.float().log_softmax(dim=1)
        valid = labels != self.void
        index = torch.where(valid, labels, 0).long().unsqueeze(1)  # (N, 1, H, W)
        given = log_probabilities.gather(1, index).squeeze(1)  # (N, H, W)
        losses = self.of_pixels(log_probabilities, given)
        if trusted is not None:
            losses = torch.where(trusted, -given, losses)
        return torch.where(valid, losses, 0).sum()

    @abstractmethod
    def of_pixels(self, log_probabilities: Tensor, given: Tensor) -> Tensor:
        """The losses (N, H, W) of pixels that nobody verified.

        Args:
            log_probabilities: (N, C, H, W), log softmax of the logits.
            given: (N, H, W), that of the label.
        """

    def probabilities(self, logits: Tensor) -> Tensor:
        """Softmax over the classes; see `Objective`."""
        return logits.softmax(dim=1)
