"""The loss of logits whose target is a code: bits, distance to the codeword, and contrast to the others.

Source: ECOCSeg, NeurIPS 2025 (arXiv 2512.06870). Differences to its code, where that differs from the paper: bits by
logits instead of sigmoid + 1e-4, which stops to correct what is wrong with certainty; and the contrast of a target that
is no codeword counts the target itself, as in the paper.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from a2lc.segmentation.objectives.code import Code

_LEAST_SQUARE = 1e-8  # added to squared lengths: logits of nothing but zeros have a direction, and a gradient


@dataclass(frozen=True)
class CodeLosses:
    """Losses pixel by pixel: mean_k BCE + λ₁ (1 - cos(l, t)) + λ₂ contrast, times a scale.

    With t in {-1, 1}^K, cos between logits and code, and the contrast -log softmax of cos / τ of the target among the
    target and all codewords that differ from it.

    Attributes:
        code: The codebook.
        cosine_weight: λ₁.
        contrast_weight: λ₂.
        contrast_temperature: τ.
        scale: Factor of all of it.
    """

    code: Code
    cosine_weight: float
    contrast_weight: float
    contrast_temperature: float
    scale: float

    def of_labels(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Losses (N, H, W) of logits (N, K, H, W) against the codewords of classes (N, H, W) int64."""
        products = self.code.products(logits)  # (N, C, H, W)
        scores = products / (self._lengths(logits) * self.contrast_temperature).unsqueeze(1)
        contrast = functional.cross_entropy(scores, labels, reduction="none")
        return self._total(logits, products.gather(1, labels.unsqueeze(1)).squeeze(1), contrast)

    def of_targets(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Losses (N, H, W) of logits (N, K, H, W) against codes of -1 and 1 (N, K, H, W), codewords or not."""
        product = (logits * targets).sum(dim=1)  # (N, H, W)
        lengths = self._lengths(logits) * self.contrast_temperature
        own = product / lengths
        others = self.code.products(logits) / lengths.unsqueeze(1)
        same = self.code.products(targets) > self.code.bits - 1  # the target is a codeword, and counted already
        rivals = others.masked_fill(same, -torch.inf)
        contrast = torch.cat([own.unsqueeze(1), rivals], dim=1).logsumexp(dim=1) - own
        return self._total(logits, product, contrast)

    def _total(self, logits: Tensor, product: Tensor, contrast: Tensor) -> Tensor:
        """The sum of the terms (N, H, W); `product` is that of logits and target."""
        # -log sigmoid(t l) = softplus(l) - (1 + t) l / 2
        bits = ((functional.softplus(logits) - logits / 2).sum(dim=1) - product / 2) / self.code.bits
        cosine = 1 - product / self._lengths(logits)
        return self.scale * (bits + self.cosine_weight * cosine + self.contrast_weight * contrast)

    def _lengths(self, logits: Tensor) -> Tensor:
        """|l| |t| (N, H, W), what turns products into cosines."""
        return (logits.square().sum(dim=1) + _LEAST_SQUARE).sqrt() * math.sqrt(self.code.bits)
