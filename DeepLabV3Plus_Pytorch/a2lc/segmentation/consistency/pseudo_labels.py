"""The teacher's predictions as labels, and how far they are trusted."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class PseudoLabels:
    """What the teacher says.

    Attributes:
        labels: (N, h, w) uint8, the most probable classes.
        confidence: (N, h, w) float32, their probabilities.
        valid: (N, h, w) bool, where there is an image and no padding.
    """

    labels: Tensor
    confidence: Tensor
    valid: Tensor

    @classmethod
    def of(cls, probabilities: Tensor, valid: Tensor) -> PseudoLabels:
        """Read probabilities (N, C, h, w)."""
        confidence, labels = probabilities.max(dim=1)
        return cls(labels.byte(), confidence, valid)

    def under(self, mask: Tensor, other: PseudoLabels) -> PseudoLabels:
        """The same with those of other images laid on where the mask (N, h, w) is True."""
        return PseudoLabels(
            torch.where(mask, other.labels, self.labels),
            torch.where(mask, other.confidence, self.confidence),
            torch.where(mask, other.valid, self.valid),
        )

    def rolled(self) -> PseudoLabels:
        """Those of the next image of the batch in each one's place."""
        return PseudoLabels(self.labels.roll(1, 0), self.confidence.roll(1, 0), self.valid.roll(1, 0))


@dataclass(frozen=True)
class ConfidentPixels:
    """Pixels from a confidence on teach, others do not; fulfils `Trust`.

    Source: Sohn et al., "FixMatch", NeurIPS 2020, eq. 4.

    Attributes:
        threshold: In [0, 1].
    """

    threshold: float

    def judge(self, pseudo: PseudoLabels, void: int) -> tuple[Tensor, Tensor]:
        """Labels of the confident pixels, at full weight; see `Trust`."""
        chosen = pseudo.valid & (pseudo.confidence >= self.threshold)
        return torch.where(chosen, pseudo.labels, void), pseudo.confidence.new_ones(())


@dataclass(frozen=True)
class ConfidentShare:
    """All pixels teach; their weight is the share of confident pixels in the batch of this process; fulfils `Trust`.

    Source: Olsson et al., "ClassMix", WACV 2021, section 3.3; Tranheden et al., "DACS", WACV 2021. What ECOCSeg keeps
    where its baselines drop single pixels.

    Attributes:
        threshold: In [0, 1].
    """

    threshold: float

    def judge(self, pseudo: PseudoLabels, void: int) -> tuple[Tensor, Tensor]:
        """Labels of all pixels, and the share; see `Trust`."""
        confident = pseudo.valid & (pseudo.confidence >= self.threshold)
        share = confident.sum() / pseudo.valid.sum().clamp(min=1)
        return torch.where(pseudo.valid, pseudo.labels, void), share
