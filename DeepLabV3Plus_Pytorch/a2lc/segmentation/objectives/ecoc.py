"""Error-correcting output codes: the head says K bits of a codeword instead of which of C classes.

Source: ECOCSeg, NeurIPS 2025 (arXiv 2512.06870).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from a2lc.segmentation.objectives.code import Code
from a2lc.segmentation.objectives.code_losses import CodeLosses
from a2lc.segmentation.objectives.codebooks import Codebook, default_bits, drawn_codebook, read_codebook
from a2lc.segmentation.objectives.mining import confident_share, pseudo_codes
from a2lc.segmentation.objectives.settings import EcocSettings


@dataclass(frozen=True)
class Ecoc:
    """The target of a pixel is the codeword of its label; fulfils `Objective`.

    A teacher that gives codes of its own uses `code` and `losses`.

    Attributes:
        code: The codebook.
        losses: Losses of single pixels.
        temperature: Of the class probabilities.
        void: Label of the pixels that teach nothing.
    """

    code: Code
    losses: CodeLosses
    temperature: float
    void: int

    @property
    def channels(self) -> int:
        """K: one channel per bit."""
        return self.code.bits

    @property
    def distinguishes(self) -> bool:
        """No: every label is trusted fully."""
        return False

    def loss(self, logits: Tensor, labels: Tensor, trusted: Tensor | None = None) -> Tensor:
        """Sum of the losses of `CodeLosses`; see `Objective`."""
        valid = labels != self.void
        losses = self.losses.of_labels(logits.float(), torch.where(valid, labels, 0).long())
        return torch.where(valid, losses, 0).sum()

    def probabilities(self, logits: Tensor) -> Tensor:
        """Posteriors of the classes by the likelihood of their codewords; see `Objective`."""
        return self.code.posteriors(logits, self.temperature)


@dataclass(frozen=True)
class SeededEcoc(Ecoc):
    """Where the network has become sure, it has a say in the bits of labels that nobody verified; fulfils `Objective`.

    The target of such a pixel keeps the bits that the label's codeword shares with those the network is near to; the
    other bits are what the network says. Of the pixel's loss this target has the share of the image's pixels of which
    the network is sure, and the label's codeword the rest: at the beginning of a training all.

    Attributes:
        threshold: T of `reliable_bits`.
        sure: Mean confidence of its bits from which a pixel is sure.
    """

    threshold: float
    sure: float

    @property
    def distinguishes(self) -> bool:
        """Labels that were verified keep their codewords."""
        return True

    def loss(self, logits: Tensor, labels: Tensor, trusted: Tensor | None = None) -> Tensor:
        """Sum of the losses, those of doubtful pixels against both targets; see `Objective`."""
        doubtful = labels != self.void
        if trusted is not None:
            doubtful = doubtful & ~trusted
        logits = logits.float()
        share = confident_share(logits.detach().sigmoid(), doubtful, self.sure)  # (N,)
        doubtful = doubtful & (share > 0)[:, None, None]
        loss = super().loss(logits, labels)
        return loss + self._revision(logits, labels.long(), doubtful, share) if doubtful.any() else loss

    def _revision(self, logits: Tensor, labels: Tensor, doubtful: Tensor, share: Tensor) -> Tensor:
        """What the doubtful pixels add to the loss of their labels."""
        chosen = logits.movedim(1, -1)[doubtful].T[None, :, None]  # (1, K, 1, P): mining works on few pixels
        given = labels[doubtful][None, None]  # (1, 1, P)
        targets = pseudo_codes(self.code, chosen.detach().sigmoid(), self.threshold, given)
        weights = share[:, None, None].expand(doubtful.shape)[doubtful]
        more = self.losses.of_targets(chosen, targets) - self.losses.of_labels(chosen, given)
        return (weights * more).sum()


def make_ecoc(settings: EcocSettings, num_classes: int, void: int) -> Ecoc:
    """The objective that the settings describe.

    Raises:
        InputError: When there is no such codebook.
    """
    code = Code(_codebook(settings, num_classes))
    losses = CodeLosses(
        code,
        cosine_weight=settings.cosine_weight,
        contrast_weight=settings.contrast_weight,
        contrast_temperature=settings.contrast_temperature,
        scale=settings.loss_scale,
    )
    temperature = settings.posterior_temperature or code.redundancy()
    if settings.variant == "seeded":
        return SeededEcoc(code, losses, temperature, void, settings.mining_threshold, settings.sure)
    return Ecoc(code, losses, temperature, void)


def _codebook(settings: EcocSettings, num_classes: int) -> Codebook:
    """The codebook of the settings. Raises InputError when there is none."""
    if settings.codebook == "distance":
        return drawn_codebook(num_classes, settings.bits or default_bits(num_classes), settings.seed)
    return read_codebook(Path(settings.codebook), num_classes, settings.bits)
