"""Optimizers and schedules, against PyTorch's own and against their formulas."""

from __future__ import annotations

import math

import pytest
import torch

from a2lc.segmentation import build_network
from a2lc.segmentation.descent import Descent
from a2lc.segmentation.schedules import make_schedule
from tests.support.training_case import CPU, NETWORK, OBJECTIVE, fast


@pytest.mark.parametrize(("iterations", "warmup", "share"), [(20, None, 0.3), (20, 5, 0.25), (10, 2, 0.2)])
def test_one_cycle_is_that_of_pytorch(iterations, warmup, share):
    factor = make_schedule(fast(schedule="onecycle", iterations=iterations, warmup=warmup))
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    theirs = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=1.0, total_steps=iterations, pct_start=share, cycle_momentum=False
    )
    for step in range(iterations):
        assert factor(step) == pytest.approx(optimizer.param_groups[0]["lr"], abs=1e-9)
        optimizer.step()
        theirs.step()


def test_cosine_and_poly_rise_and_fall():
    cosine = make_schedule(fast(schedule="cosine", iterations=14, warmup=4))
    poly = make_schedule(fast(iterations=14, warmup=4))
    for step in range(14):
        rise = min(1, (step + 1) / 5)
        fall = 1 if step < 4 else (1 + math.cos(math.pi * (step - 4) / 10)) / 2
        assert cosine(step) == pytest.approx(rise * fall)
        assert poly(step) == pytest.approx(rise * (1 - step / 14) ** 0.9)


def test_adamw_steps_by_its_formula():
    options = fast(
        optimizer="adamw", schedule="cosine", iterations=3, learning_rate=0.01, momentum=0.8, beta2=0.9,
        weight_decay=0.1,
    )  # fmt: skip
    network = build_network(NETWORK.model_copy(update={"dropout": 0.0}), 2, seed=0)
    descent = Descent(network, options, OBJECTIVE, CPU, fingerprint=0)
    images = torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8)
    labels = torch.randint(0, 2, (2, 32, 32)).byte()
    head = network.classifier.classifier[3].weight
    mean, square = torch.zeros_like(head), torch.zeros_like(head)
    for step in range(3):
        before = head.detach().clone()
        descent.advance(images, labels)
        rate = 0.01 * (1 + math.cos(math.pi * step / 3)) / 2
        mean = 0.8 * mean + 0.2 * head.grad
        square = 0.9 * square + 0.1 * head.grad**2
        move = (mean / (1 - 0.8 ** (step + 1))) / ((square / (1 - 0.9 ** (step + 1))).sqrt() + 1e-8)
        torch.testing.assert_close(head.detach(), before * (1 - 0.1 * rate) - rate * move, atol=1e-6, rtol=1e-4)
