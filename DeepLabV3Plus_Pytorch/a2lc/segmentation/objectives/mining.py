"""Reliable bits of pseudo-labels: those that all codewords share which may be meant.

Source: ECOCSeg, NeurIPS 2025 (arXiv 2512.06870), algorithm 1 as in the paper: it looks at all classes and adds no mask
twice, as its code does. p is the probability of a bit, its confidence max(p, 1 - p).
"""

from __future__ import annotations

import torch
from torch import Tensor

from a2lc.segmentation.objectives.code import Code


@torch.no_grad()
def reliable_bits(code: Code, bits: Tensor, threshold: float, given: Tensor | None = None) -> Tensor:
    """The bits that can be believed, pixel by pixel.

    Codewords are collected from the nearest one on, until the bits that all of them share have a mean confidence above
    the threshold, or they share none.

    Args:
        code: The codebook.
        bits: (N, K, H, W), probabilities p of the bits.
        threshold: T; the larger, the fewer bits. 0.5 gives all, 1 none unless all are certain.
        given: (N, H, W) int64, classes whose codewords are collected before; None = none.

    Returns:
        (N, K, H, W) bool.

    Example:
        >>> reliable_bits(code, teacher(images).sigmoid(), 0.95).float().mean()  # the share that is believed
    """
    batch, channels, height, width = bits.shape
    rows = bits.movedim(1, -1).reshape(-1, channels)  # (P, K)
    confidence = torch.maximum(rows, 1 - rows)
    similarity = code.similarity(bits).movedim(1, -1).flatten(0, 2)
    order = similarity.argsort(dim=1, descending=True, stable=True)  # (P, C), the nearest first
    words = code.signs(bits)
    first = words[order[:, 0] if given is None else given.reshape(-1)]  # all others are compared with it
    shared = torch.ones_like(rows, dtype=torch.bool)
    going = torch.arange(len(rows), device=bits.device)  # pixels for which more are collected
    for rank in range(code.classes):
        agreed = shared[going] & (words[order[going, rank]] == first[going])
        shared[going] = agreed
        count = agreed.sum(dim=1)
        mean = (confidence[going] * agreed).sum(dim=1) / count.clamp(min=1)
        going = going[(mean <= threshold) & (count > 0)]
        if not len(going):
            break
    return shared.reshape(batch, height, width, channels).movedim(-1, 1)


@torch.no_grad()
def pseudo_codes(code: Code, bits: Tensor, threshold: float, given: Tensor | None = None) -> Tensor:
    """Targets that a teacher gives: where a bit is reliable that of a codeword, else what the teacher says of it.

    Args:
        code: The codebook.
        bits: (N, K, H, W), the teacher's probabilities of the bits.
        threshold: T of `reliable_bits`; 0.5 = whole codewords, 1 = what the teacher says of each bit.
        given: (N, H, W) int64, labels: the codeword is theirs, and only bits that it shares with the teacher's
            neighbours are reliable; None = it is that of the class which the teacher is nearest to.

    Returns:
        (N, K, H, W) of -1 and 1 in the precision of `bits`; for `CodeLosses.of_targets`.
    """
    reliable = reliable_bits(code, bits, threshold, given)
    codewords = code.codewords(code.decoded(bits) if given is None else given, bits)
    return torch.where(reliable, codewords, (bits >= 0.5).to(bits.dtype) * 2 - 1)


@torch.no_grad()
def confident_share(bits: Tensor, counted: Tensor, sure: float) -> Tensor:
    """How much a teacher's pseudo-labels of an image are worth: the share of its pixels of which the teacher is sure.

    One number an image, as in the paper: to leave out the unsure pixels one by one takes the gain away.

    Args:
        bits: (N, K, H, W), the teacher's probabilities of the bits.
        counted: (N, H, W) bool, the pixels that count.
        sure: Mean confidence of its bits from which a pixel is sure.

    Returns:
        (N,) in [0, 1]; 0 where no pixel counts.
    """
    confident = torch.maximum(bits, 1 - bits).mean(dim=1) >= sure
    return (confident & counted).sum(dim=(1, 2)) / counted.sum(dim=(1, 2)).clamp(min=1)
