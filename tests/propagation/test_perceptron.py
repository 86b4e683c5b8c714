"""The written-out gradients and steps of the perceptron against autograd and torch's Adam."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional
from torch.nn.utils import parameters_to_vector

from a2lc.propagation import LabelCorrectionModule
from a2lc.propagation.perceptron import Perceptron, backward, buffers, forward, layers_of, loss_gradient
from tests.support.propagation_case import masks_of


def network_of(widths: list[int], seed: int) -> nn.Sequential:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        layers: list[nn.Module] = []
        for fan_in, fan_out in pairwise(widths):
            layers += [nn.Linear(fan_in, fan_out), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def vector_of(network: nn.Module, gradient: bool = False) -> NDArray[np.float32]:
    values = [p.grad if gradient else p for p in network.parameters()]
    return parameters_to_vector([v for v in values if v is not None]).detach().numpy().copy()


def loss_of(
    network: nn.Module,
    inputs: NDArray[np.float32],
    targets: NDArray[np.int64],
    weights: NDArray[np.float32],
    squash: bool,
) -> torch.Tensor:
    logits = network(torch.from_numpy(inputs))
    scores = logits.softmax(dim=1) if squash else logits
    return functional.cross_entropy(scores, torch.from_numpy(targets), weight=torch.from_numpy(weights))


@settings(max_examples=30)
@given(
    widths=st.lists(st.integers(1, 40), min_size=5, max_size=5),
    rows=st.integers(1, 9),
    spare=st.integers(0, 3),
    squash=st.booleans(),
    seed=st.integers(0, 2**20),
)
def test_gradients_are_those_of_autograd(widths: list[int], rows: int, spare: int, squash: bool, seed: int) -> None:
    """Also where a batch has fewer rows than the buffers, whose other rows hold something else."""
    rng, network = np.random.default_rng(seed), network_of(widths, seed)
    inputs = rng.normal(size=(rows, widths[0])).astype(np.float32)
    targets, weights = rng.integers(0, widths[-1], rows), rng.uniform(0.1, 1, widths[-1]).astype(np.float32)
    loss_of(network, inputs, targets, weights, squash).backward()
    expected = vector_of(network, gradient=True)

    layers, gradient = layers_of(vector_of(network), widths), np.full(len(expected), np.nan, dtype=np.float32)
    activations, errors = buffers(rows + spare, widths), buffers(rows + spare, widths)
    for values in (*activations, *errors):
        values[:] = 7
    activations[0][:rows] = inputs
    forward(layers, activations, rows)
    loss_gradient(activations[-1][:rows], targets, weights, squash, errors[-1][:rows])
    backward(layers, activations, errors, layers_of(gradient, widths), rows)

    np.testing.assert_allclose(activations[-1][:rows], network(torch.from_numpy(inputs)).detach().numpy(), atol=1e-5)
    np.testing.assert_allclose(gradient, expected, rtol=1e-5, atol=1e-5 * max(float(np.abs(expected).max()), 1e-3))


@pytest.mark.parametrize("squash", [True, False])
def test_some_hundred_steps_lead_where_autograd_and_fused_adam_lead(squash: bool) -> None:
    widths, rng = [19, 256, 128, 64, 19], np.random.default_rng(0)
    targets = rng.integers(0, 19, 1203)
    inputs, weights = masks_of(targets, 19, noise=1), rng.uniform(0.1, 1, 19).astype(np.float32)
    orders = [rng.permutation(1203) for _ in range(3)]  # the last batch of each has three rows

    network = network_of(widths, seed=3)
    parameters = vector_of(network)
    start = parameters.copy()
    ours = Perceptron(parameters, widths, batch_size=8, learning_rate=1e-4, squash=squash)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-4, fused=True)
    for order in orders:
        ours.train(inputs, targets, weights, order)
        for batch in (order[first : first + 8] for first in range(0, len(order), 8)):
            optimizer.zero_grad()
            loss_of(network, inputs[batch], targets[batch], weights, squash).backward()
            optimizer.step()

    expected = vector_of(network)
    assert np.abs(parameters - expected).max() <= 1e-4 * np.abs(expected).max()
    assert np.abs(expected - start).max() > 100 * np.abs(parameters - expected).max()  # they went somewhere


def test_the_number_of_threads_changes_no_bit() -> None:
    labels = np.arange(60) % 5
    features = masks_of(labels, 5, noise=1)

    def confidence(threads: int) -> list[float]:
        before = torch.get_num_threads()
        try:
            torch.set_num_threads(threads)
            module = LabelCorrectionModule(5, seed=1, epochs=5).fit(features, labels)
        finally:
            torch.set_num_threads(before)
        return module.predict(features)[1].tolist()

    assert confidence(1) == confidence(2)
