"""Time of the label correction module against plain PyTorch, and of a propagation over a million masks.

    python benchmarks/lcm_speed.py            # 4,000 steps
    python benchmarks/lcm_speed.py --full     # the papers' 125,000 steps: 10,000 masks, 100 epochs, batch 8

Drawn masks: what they are does not change the speed.
"""

from __future__ import annotations

import argparse
import statistics
import timeit
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from a2lc.propagation import AnsweredMasks, LabelCorrectionModule, PropagationSettings, class_weights, propagate
from table import Row, markdown, peak_memory

CLASSES, BATCH = 19, 8
MASKS, EPOCHS = 10_000, 100  # the papers' training on Cityscapes
PAPER = f"{MASKS * EPOCHS // BATCH:,} steps"
YARDSTICK = "plain PyTorch: autograd, fused Adam"


def rows() -> list[Row]:
    """4,000 steps of the module, and a propagation."""
    return [training_row(masks=3200, epochs=10, repeats=5), propagation_row(1_000_000)]


def training_row(masks: int, epochs: int, repeats: int) -> Row:
    """The module and the yardstick on the same masks; both are called once before the clock starts."""
    features, labels = drawn_masks(masks)
    steps = masks * epochs // BATCH
    LabelCorrectionModule(CLASSES, epochs=1).fit(features[:BATCH], labels[:BATCH])  # compiles
    plain_training(features[:BATCH], labels[:BATCH], 1)
    ours, plain = median_seconds(
        repeats,
        lambda: LabelCorrectionModule(CLASSES, epochs=epochs).fit(features, labels),
        lambda: plain_training(features, labels, epochs),
    )
    whole = MASKS * EPOCHS // BATCH
    guess = "" if steps == whole else f"; extrapolated to {PAPER}: {ours * whole / steps:.0f} s"
    stage = f"LCM, {steps:,} steps of {BATCH} masks, {CLASSES} classes{guess}"
    return Row(stage, ours, YARDSTICK, plain, f"{PAPER} in 60 s on two cores", peak_memory())


def plain_training(features: NDArray[np.float32], labels: NDArray[np.int64], epochs: int) -> nn.Module:
    """The same training as anyone would write it."""
    torch.manual_seed(0)
    widths = (CLASSES, 256, 128, 64, CLASSES)
    layers: list[nn.Module] = []
    for fan_in, fan_out in pairwise(widths):
        layers += [nn.Linear(fan_in, fan_out), nn.ReLU()]
    network = nn.Sequential(*layers[:-1])
    weights = torch.from_numpy(class_weights(labels, CLASSES)).float()
    inputs, targets = torch.from_numpy(features), torch.from_numpy(labels)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-4, fused=True)
    for _ in range(epochs):
        for batch in torch.randperm(len(inputs)).split(BATCH):
            loss = functional.cross_entropy(network(inputs[batch]).softmax(dim=1), targets[batch], weight=weights)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return network


def propagation_row(masks: int) -> Row:
    """Everything that a propagation does, with one epoch of training only."""
    features, labels = drawn_masks(masks)
    rng = np.random.default_rng(1)
    current = np.where(rng.random(masks) < 0.3, rng.integers(0, CLASSES, masks), labels)
    queried = np.arange(masks) < MASKS
    settings = PropagationSettings(mode="compat", threshold=0.99, epochs=1)
    answered = AnsweredMasks(features, queried, labels, current, np.zeros_like(queried))

    def work() -> None:
        propagate(answered, current, settings, 1, 0)

    stage = f"propagation over {masks:,} masks, one epoch of {MASKS:,} masks before it"
    return Row(stage, *median_seconds(3, work), limit="seconds", peak=peak_memory())


def median_seconds(repeats: int, *works: Callable[[], object]) -> list[float]:
    """Median wall time of each, called in turn so that they share what else the machine does; nothing warms up."""
    times = [[timeit.timeit(work, number=1) for work in works] for _ in range(repeats)]
    return [statistics.median(of_work) for of_work in zip(*times, strict=True)]


def drawn_masks(count: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Mean probabilities (count, C) and classes (count,) of masks that a network mostly gets right."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, CLASSES, count)
    features = rng.standard_normal((count, CLASSES), dtype=np.float32)
    features[np.arange(count), labels] += 3
    np.exp(features, out=features)
    return features / features.sum(axis=1, keepdims=True), labels


def main() -> None:
    """Print the rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help=f"all {PAPER}, once")
    print(markdown([training_row(MASKS, EPOCHS, 1)] if parser.parse_args().full else rows()), end="")


if __name__ == "__main__":
    main()
