"""A codebook at work on logits: codewords of labels, similarity of bits to codewords, and how it is decoded.

Whatever compares bits with all codewords is one 1x1 convolution from K to C channels with fixed weights of -1 and 1;
(N, C, K, H, W) values are never made.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from a2lc.segmentation.objectives.codebooks import Codebook


class Code:
    """Codewords as signs, wherever they are needed.

    Attributes:
        classes: C.
        bits: K.

    Example:
        >>> code = Code(drawn_codebook(21, 40, seed=0))
        >>> code.decoded(logits.sigmoid()).shape  # for logits (4, 40, 96, 160)
        torch.Size([4, 96, 160])
    """

    def __init__(self, codebook: Codebook) -> None:
        """Take a codebook (C, K) of 0 and 1."""
        self.classes, self.bits = codebook.shape
        self._signs = torch.tensor(codebook, dtype=torch.float32) * 2 - 1

    def signs(self, like: Tensor) -> Tensor:
        """The codewords (C, K) of -1 and 1, on the device and in the precision of a tensor."""
        return self._signs.to(like.device, like.dtype)

    def codewords(self, labels: Tensor, like: Tensor) -> Tensor:
        """The codewords (N, K, H, W) of -1 and 1 of classes (N, H, W), on the device and in the precision of `like`."""
        return self.signs(like)[labels].movedim(-1, 1)

    def products(self, values: Tensor) -> Tensor:
        """Scalar products (N, C, H, W) of values (N, K, H, W) with all codewords of -1 and 1."""
        return functional.conv2d(values, self.signs(values)[:, :, None, None])

    def similarity(self, bits: Tensor) -> Tensor:
        """K times (1 - soft Hamming distance) of bits (N, K, H, W) in [0, 1] to all codewords: (N, C, H, W)."""
        zeros = (self.signs(bits) < 0).sum(dim=1).to(bits.dtype)
        return self.products(bits) + zeros[:, None, None]

    def decoded(self, bits: Tensor) -> Tensor:
        """The class (N, H, W) int64 whose codeword is nearest to bits (N, K, H, W) in [0, 1], by soft Hamming distance.

        As far as the bits are 0 and 1, (smallest row distance - 1) // 2 of them may be wrong.
        """
        return self.similarity(bits).argmax(dim=1)

    def posteriors(self, logits: Tensor, temperature: float) -> Tensor:
        """Probabilities (N, C, H, W) of the classes: softmax of the log-likelihoods of their codewords / temperature.

        Σ_k [c log p + (1 - c) log(1 - p)] of logits l is Σ_k c l, and what all classes have in common; and that is half
        of the product with -1 and 1, and what all have in common.
        """
        return (self.products(logits) / (2 * temperature)).softmax(dim=1)

    def redundancy(self) -> float:
        """K / log₂ C: bits for each that is needed. Were the bits that often the same, it would undo the repetition."""
        return self.bits / math.log2(self.classes)
