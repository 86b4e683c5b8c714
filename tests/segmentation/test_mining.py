"""Reliable bits against algorithm 1, written down pixel by pixel, and what holds for every mask."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import Tensor

from a2lc.segmentation.objectives.code import Code
from a2lc.segmentation.objectives.codebooks import drawn_codebook
from a2lc.segmentation.objectives.mining import confident_share, pseudo_codes, reliable_bits

CLASSES, BITS = 8, 30
BOOK = drawn_codebook(CLASSES, BITS, seed=0)
CODE = Code(BOOK)
THRESHOLDS = (0.5, 0.7, 0.8, 0.9, 0.95, 1.0)


@pytest.fixture
def bits() -> Tensor:
    """(2, 30, 6, 7): codewords with noise, from vague to certain, so that some pixels lie between two classes."""
    random = torch.Generator().manual_seed(0)
    words = torch.tensor(BOOK).float() * 2 - 1
    first, second = (words[torch.randint(0, CLASSES, (2, 6, 7), generator=random)].movedim(-1, 1) for _ in range(2))
    strength = torch.linspace(0.2, 5, 7)
    share = torch.rand((2, 1, 6, 7), generator=random)
    return (
        strength * (share * first + (1 - share) * second) + 0.5 * torch.randn((2, BITS, 6, 7), generator=random)
    ).sigmoid()


@pytest.fixture
def labels() -> Tensor:
    return torch.randint(0, CLASSES, (2, 6, 7), generator=torch.Generator().manual_seed(1))


def by_hand(p: list[float], threshold: float, given: int | None) -> list[bool]:
    """Algorithm 1 for one pixel."""
    words = BOOK.tolist()
    near = sorted(range(CLASSES), key=lambda n: sum(abs(a - b) for a, b in zip(p, words[n], strict=True)))
    collected = [] if given is None else [given]
    for n in near:
        collected.append(n)
        mask = [len({words[member][k] for member in collected}) == 1 for k in range(BITS)]
        sure = [max(p[k], 1 - p[k]) for k in range(BITS) if mask[k]]
        if not sure or sum(sure) / len(sure) > threshold:
            return mask
    return mask


@pytest.mark.parametrize("seeded", [False, True])
@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_the_algorithm(bits: Tensor, labels: Tensor, threshold: float, seeded: bool) -> None:
    found = reliable_bits(CODE, bits, threshold, labels if seeded else None)
    assert found.dtype == torch.bool
    for n in range(2):
        for row in range(6):
            for column in range(7):
                given = int(labels[n, row, column]) if seeded else None
                expected = by_hand(bits[n, :, row, column].tolist(), threshold, given)
                assert found[n, :, row, column].tolist() == expected


def test_a_higher_threshold_believes_a_part_of_the_bits(bits: Tensor, labels: Tensor) -> None:
    for given in (None, labels):
        masks = [reliable_bits(CODE, bits, threshold, given) for threshold in THRESHOLDS]
        for wide, narrow in pairwise(masks):
            assert (narrow <= wide).all()
        assert masks[0].sum() > masks[2].sum() > masks[-1].sum()
    assert reliable_bits(CODE, bits, 0.5).all()
    assert not reliable_bits(CODE, bits, 1.0).any()


def test_codes_are_codewords_at_one_end_and_bits_at_the_other(bits: Tensor) -> None:
    assert torch.equal(pseudo_codes(CODE, bits, 0.5), CODE.codewords(CODE.decoded(bits), bits))
    assert torch.equal(pseudo_codes(CODE, bits, 1.0), (bits >= 0.5).float() * 2 - 1)


def test_codes_mix_codeword_and_bits_by_the_mask(bits: Tensor, labels: Tensor) -> None:
    for given, word in ((None, CODE.decoded(bits)), (labels, labels)):
        mask = reliable_bits(CODE, bits, 0.9, given)
        codes = pseudo_codes(CODE, bits, 0.9, given)
        assert torch.equal(codes[mask], CODE.codewords(word, bits)[mask])
        assert torch.equal(codes[~mask], ((bits >= 0.5).float() * 2 - 1)[~mask])
        assert set(codes.unique().tolist()) == {-1.0, 1.0}


def test_the_share_of_sure_pixels_is_counted_image_by_image() -> None:
    bits = torch.full((3, 4, 2, 2), 0.99)
    bits[0, :, 0] = 0.6  # half of the first image is unsure
    bits[1, :2, 0, 0] = 0.2  # 0.99, 0.99, 0.8, 0.8 are 0.895 on average
    counted = torch.ones(3, 2, 2, dtype=torch.bool)
    counted[0, 0, 0] = False
    counted[2] = False
    share = confident_share(bits, counted, 0.9)
    torch.testing.assert_close(share, torch.tensor([2 / 3, 3 / 4, 0.0]))
