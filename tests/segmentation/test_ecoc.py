"""Error-correcting output codes: decoding, losses against the formulas, posteriors, and doubtful labels."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from a2lc.segmentation import Objective, TrainingSettings, make_objective
from a2lc.segmentation.objectives.code import Code
from a2lc.segmentation.objectives.codebooks import distances, drawn_codebook
from a2lc.segmentation.objectives.ecoc import Ecoc, make_ecoc
from a2lc.segmentation.objectives.settings import EcocSettings

CLASSES, BITS = 21, 40
BOOK = drawn_codebook(CLASSES, BITS, seed=0)
CODE = Code(BOOK)
EVERY = torch.arange(CLASSES)[None, None]  # (1, 1, 21), a pixel of each class


def codes_of_every_class() -> Tensor:
    """(1, 40, 1, 21) of -1 and 1."""
    return torch.tensor(BOOK.T * 2.0 - 1).float()[None, :, None]


def ecoc(**settings: Any) -> Ecoc:
    return make_ecoc(EcocSettings(**settings), CLASSES, 255)


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


# ---- decoding


def test_every_codeword_is_decoded_as_its_class() -> None:
    codes = codes_of_every_class()
    assert torch.equal(CODE.decoded((codes + 1) / 2), EVERY)
    assert torch.equal(CODE.decoded((0.5 * codes).sigmoid()), EVERY)
    assert torch.equal(ecoc().probabilities(3 * codes).argmax(dim=1), EVERY)
    assert torch.equal(CODE.codewords(EVERY, codes), codes)


def test_as_many_wrong_bits_as_the_distance_allows_are_corrected() -> None:
    correctable = (int(distances(BOOK[None]).rows[0]) - 1) // 2
    assert correctable == 6
    random = np.random.default_rng(0)
    for _ in range(50):
        bits = (codes_of_every_class() + 1) / 2
        for column in range(CLASSES):
            wrong = random.permutation(BITS)[:correctable]
            bits[0, wrong, 0, column] = 1 - bits[0, wrong, 0, column]
        assert torch.equal(CODE.decoded(bits), EVERY)


def test_the_convolution_gives_the_soft_hamming_distance() -> None:
    bits = noise(2, BITS, 3, 4).sigmoid()
    words = torch.tensor(BOOK).float()[None, :, :, None, None]
    naive = (bits[:, None] - words).abs().mean(dim=2)  # (N, C, H, W) by way of (N, C, K, H, W)
    torch.testing.assert_close(1 - CODE.similarity(bits) / BITS, naive, atol=1e-5, rtol=0)
    assert torch.equal(CODE.decoded(bits), naive.argmin(dim=1))


def test_posteriors_are_those_of_the_log_likelihood() -> None:
    logits = 2 * noise(2, BITS, 3, 4)
    p = logits.double().sigmoid()[:, None]
    words = torch.tensor(BOOK).double()[None, :, :, None, None]
    likelihood = (words * p.log() + (1 - words) * (1 - p).log()).sum(dim=2)
    for temperature in (1.0, 9.0):
        found = ecoc(posterior_temperature=temperature).probabilities(logits)
        torch.testing.assert_close(found.double(), (likelihood / temperature).softmax(dim=1), atol=1e-5, rtol=1e-4)
    assert ecoc().temperature == pytest.approx(BITS / math.log2(CLASSES))


# ---- losses


def formula(logits: Tensor, target: Tensor, rivals: list[Tensor], settings: EcocSettings) -> float:
    """The loss of a pixel: its K logits, its target of -1 and 1, and the codewords that differ from it."""
    values = logits.double()
    wanted = target.double()
    p = values.sigmoid()
    bits = torch.where(wanted > 0, p, 1 - p).log().mean()

    def cosine(code: Tensor) -> Tensor:
        return functional.cosine_similarity(values, code.double(), dim=0)

    own = (cosine(wanted) / settings.contrast_temperature).exp()
    others = sum((cosine(code) / settings.contrast_temperature).exp() for code in rivals)
    contrast = -(own / (own + others)).log()
    total = -bits + settings.cosine_weight * (1 - cosine(wanted)) + settings.contrast_weight * contrast
    return float(settings.loss_scale * total)


def others_than(target: Tensor) -> list[Tensor]:
    return [word for word in codes_of_every_class()[0, :, 0].T if not torch.equal(word, target)]


def test_losses_are_those_of_the_paper() -> None:
    settings = EcocSettings(cosine_weight=4, contrast_weight=3, contrast_temperature=0.4, loss_scale=0.5)
    losses = make_ecoc(settings, CLASSES, 255).losses
    logits = 2 * noise(1, BITS, 2, 3)
    labels = torch.randint(0, CLASSES, (1, 2, 3), generator=torch.Generator().manual_seed(1))
    codes = CODE.codewords(labels, logits)
    mixed = codes.clone()
    mixed[:, ::3, :, 0] *= -1  # a column of pixels whose target is no codeword
    of_labels = losses.of_labels(logits, labels)
    torch.testing.assert_close(losses.of_targets(logits, codes), of_labels)
    of_targets = losses.of_targets(logits, mixed)
    for row in range(2):
        for column in range(3):
            pixel, target = logits[0, :, row, column], codes[0, :, row, column]
            expected = formula(pixel, target, others_than(target), settings)
            assert of_labels[0, row, column].item() == pytest.approx(expected, rel=1e-4)
            target = mixed[0, :, row, column]
            rivals = others_than(target)
            assert len(rivals) == (CLASSES if column == 0 else CLASSES - 1)
            expected = formula(pixel, target, rivals, settings)
            assert of_targets[0, row, column].item() == pytest.approx(expected, rel=1e-4)


def test_loss_is_the_sum_over_pixels_with_a_class() -> None:
    objective = ecoc()
    logits = noise(2, BITS, 3, 4)
    labels = torch.randint(0, CLASSES, (2, 3, 4), generator=torch.Generator().manual_seed(1))
    expected = objective.losses.of_labels(logits, labels)[:, 1:].sum()
    labels[:, 0] = 255
    torch.testing.assert_close(objective.loss(logits, labels.byte()), expected)


def test_at_the_start_it_is_as_large_as_cross_entropy() -> None:
    labels = torch.randint(0, CLASSES, (2, 8, 8), generator=torch.Generator().manual_seed(1)).byte()
    loss = ecoc().loss(0.01 * noise(2, BITS, 8, 8), labels) / labels.numel()
    assert loss.item() == pytest.approx(math.log(CLASSES), rel=0.1)


@pytest.mark.parametrize("variant", ["plain", "seeded"])
@pytest.mark.parametrize("scale", [0.0, 1e4])
def test_logits_of_nothing_and_of_certainty_have_a_gradient(variant: str, scale: float) -> None:
    logits = (scale * noise(1, BITS, 2, 2)).requires_grad_()
    loss = ecoc(variant=variant).loss(logits, torch.tensor([[[0, 1], [2, 255]]], dtype=torch.uint8))
    loss.backward()
    assert loss.isfinite()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()


# ---- labels that the network doubts


def seeded(**settings: Any) -> Objective:
    given = {"objective": "ecoc", "loss": {"ecoc": {"variant": "seeded", **settings}}}
    return make_objective(TrainingSettings.model_validate(given), CLASSES, 255)


def test_a_sure_network_keeps_its_bits_where_the_label_is_not_verified() -> None:
    """The network is sure of class 3, the label says 5: only bits that both share are the label's."""
    logits = 8 * CODE.codewords(torch.full((1, 1, 4), 3), codes_of_every_class())
    labels = torch.full((1, 1, 4), 5, dtype=torch.uint8)
    objective, plain = seeded(), ecoc()
    doubtful = objective.loss(logits, labels)
    verified = objective.loss(logits, labels, torch.ones(1, 1, 4, dtype=torch.bool))
    torch.testing.assert_close(verified, plain.loss(logits, labels))
    # where 3 and 5 agree the bits are those of both, elsewhere what the network says, which is 3
    torch.testing.assert_close(doubtful, plain.losses.of_labels(logits, torch.full((1, 1, 4), 3)).sum())
    half = torch.tensor([[[True, True, False, False]]])
    torch.testing.assert_close(objective.loss(logits, labels, half), (doubtful + verified) / 2)


def test_where_network_and_label_agree_or_it_is_unsure_the_label_is_the_target() -> None:
    labels = torch.full((1, 2, 2), 7, dtype=torch.uint8)
    agreeing = 8 * CODE.codewords(labels.long(), codes_of_every_class())
    unsure = 0.5 * noise(1, BITS, 2, 2)
    for logits in (agreeing, unsure):
        torch.testing.assert_close(seeded().loss(logits, labels), ecoc().loss(logits, labels))


def test_the_network_has_a_say_as_far_as_it_is_sure_of_the_image() -> None:
    """Of two pixels one is sure: each target has half of the loss."""
    three = 8 * CODE.codewords(torch.full((1, 1, 1), 3), codes_of_every_class())
    logits = torch.cat([three, 0.01 * noise(1, BITS, 1, 1)], dim=3)
    labels = torch.full((1, 1, 2), 5, dtype=torch.uint8)
    losses = ecoc().losses
    own = ((logits.sigmoid() >= 0.5).float() * 2 - 1)[..., 1:]  # no codewords share bits of which it is sure
    of_label = losses.of_labels(logits, labels.long())[0, 0]
    expected = of_label.sum() / 2
    expected = expected + losses.of_labels(three, torch.full((1, 1, 1), 3)).sum() / 2
    expected = expected + losses.of_targets(logits[..., 1:], own).sum() / 2
    torch.testing.assert_close(seeded().loss(logits, labels), expected)


def test_the_default_codebooks_stay_as_they_are() -> None:
    """Checkpoints can be read only with the codebook that they were trained with."""
    assert ["".join(map(str, row[:12])) for row in drawn_codebook(8, 30, seed=0)[:2]] == [
        "100000010101",
        "000111101011",
    ]
    assert ["".join(map(str, row[:12])) for row in BOOK[:2]] == ["010100110111", "001101001101"]
