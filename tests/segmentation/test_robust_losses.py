"""Every robust loss against its formula, written down pixel by pixel in plain Python."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import pytest
import torch

from a2lc.segmentation import TrainingSettings, make_objective

CLASSES, VOID = 4, 9


def softmax(logits: Sequence[float]) -> list[float]:
    powers = [math.exp(value) for value in logits]
    return [power / sum(powers) for power in powers]


def cross_entropy(p: Sequence[float], y: int) -> float:
    return -math.log(p[y])


def smoothed(p: Sequence[float], y: int) -> float:
    targets = [0.7 * (k == y) + 0.3 / CLASSES for k in range(CLASSES)]
    return -sum(target * math.log(value) for target, value in zip(targets, p, strict=True))


def generalised(p: Sequence[float], y: int) -> float:
    return (1 - p[y] ** 0.6) / 0.6


def symmetric(p: Sequence[float], y: int) -> float:
    log_target = [0.0 if k == y else -5.0 for k in range(CLASSES)]
    reverse = -sum(value * log for value, log in zip(p, log_target, strict=True))
    return 0.2 * cross_entropy(p, y) + 1.5 * reverse


def bootstrapped(p: Sequence[float], y: int) -> float:
    return -sum((0.8 * (k == y) + 0.2 * p[k]) * math.log(p[k]) for k in range(CLASSES))


FORMULAS: dict[str, tuple[dict[str, float], Callable[[Sequence[float], int], float]]] = {
    "label_smoothing": ({"share": 0.3}, smoothed),
    "generalised_cross_entropy": ({"exponent": 0.6}, generalised),
    "symmetric_cross_entropy": (
        {"cross_entropy_weight": 0.2, "reverse_weight": 1.5, "log_of_zero": -5.0},
        symmetric,
    ),
    "soft_bootstrapping": ({"given_share": 0.8}, bootstrapped),
}


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize("verified", [False, True])
def test_the_sum_of_the_formula_over_pixels(name: str, verified: bool) -> None:
    parameters, formula = FORMULAS[name]
    random = torch.Generator().manual_seed(3)
    logits = 4 * torch.randn((2, CLASSES, 3, 5), generator=random)
    labels = torch.randint(0, CLASSES, (2, 3, 5), generator=random).byte()
    labels[1, 2] = VOID
    trusted = torch.rand((2, 3, 5), generator=random) < 0.4
    expected = 0.0
    for n, row, column in torch.cartesian_prod(torch.arange(2), torch.arange(3), torch.arange(5)).tolist():
        label = int(labels[n, row, column])
        if label != VOID:
            certain = verified and bool(trusted[n, row, column])
            expected += (cross_entropy if certain else formula)(softmax(logits[n, :, row, column].tolist()), label)
    settings = TrainingSettings.model_validate({"objective": name, "loss": {name: parameters}})
    found = make_objective(settings, CLASSES, VOID).loss(logits, labels, trusted if verified else None)
    assert found.item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", FORMULAS)
def test_a_certain_network_gives_no_nan(name: str) -> None:
    logits = torch.tensor([1e4, -1e4, 0.0, 0.0]).reshape(1, 4, 1, 1).repeat(1, 1, 1, 2).requires_grad_()
    labels = torch.tensor([[[0, 1]]], dtype=torch.uint8)  # certainly right, and certainly wrong
    loss = make_objective(TrainingSettings(objective=name), CLASSES, VOID).loss(logits, labels)
    loss.backward()
    assert loss.isfinite()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()
