"""Cross-entropy: a channel per class, and softmax over them."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class CrossEntropy:
    """Every label counts alike, whoever gave it; fulfils `Objective`.

    Attributes:
        num_classes: C.
        void: Label of the pixels that teach nothing.
    """

    num_classes: int
    void: int = 255

    @property
    def channels(self) -> int:
        """K = C: one channel per class."""
        return self.num_classes

    @property
    def distinguishes(self) -> bool:
        """No: every label is trusted fully."""
        return False

    def loss(self, logits: Tensor, labels: Tensor, trusted: Tensor | None = None) -> Tensor:
        """Sum of -log softmax at the labels; see `Objective`."""
        return functional.cross_entropy(logits.float(), labels.long(), ignore_index=self.void, reduction="sum")

    def probabilities(self, logits: Tensor) -> Tensor:
        """Softmax over the classes; see `Objective`."""
        return logits.softmax(dim=1)
