"""A perceptron trained on one CPU core, its gradients written out: for networks too small for a general machinery.

Layer l = 1..L has weights W_l (fan out, fan in) and biases b_l. For a batch of rows a_0 = x,

    forward:   z_l = a_{l-1} W_l^T + b_l,   a_l = max(z_l, 0) for l < L,   a_L = z_L, the logits
    backward:  d_L = ∂loss/∂z_L,   d_{l-1} = (d_l W_l) ⊙ [a_{l-1} > 0]
               ∂loss/∂W_l = d_l^T a_{l-1},   ∂loss/∂b_l = the sum of the rows of d_l

A step on eight rows takes about a tenth of a millisecond, less than the bookkeeping of a general library around it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from a2lc.foundation.compiled import compiled

Floats = NDArray[np.float32]
# Adam's usual β1, β2 and ε
_DECAY = 0.9
_SQUARE_DECAY = 0.999
_EPSILON = 1e-8
_compiled = compiled(error_model="numpy")


class Layers(NamedTuple):
    """What belongs to each layer, as views of one flat vector.

    Attributes:
        weights: W_1..W_L, (fan out, fan in).
        biases: b_1..b_L, (fan out,).
    """

    weights: tuple[Floats, ...]
    biases: tuple[Floats, ...]


class Perceptron:
    """Linear layers with ReLU between them, trained by Adam on a weighted cross-entropy.

    Args:
        parameters: (P,) float32, changed by training: W_1, b_1, W_2, ..., each flattened, as
            `torch.nn.utils.parameters_to_vector` puts them.
        widths: Units per layer, inputs first, classes last.
        batch_size: Most rows of a step.
        learning_rate: Adam's.
        squash: Whether the cross-entropy takes the softmax of the logits for logits, and squashes it a second time.
    """

    def __init__(
        self, parameters: Floats, widths: Sequence[int], batch_size: int, learning_rate: float, squash: bool = False
    ) -> None:
        self._learning_rate = learning_rate
        self._squash = squash
        self._parameters = parameters
        self._gradient, self._mean, self._square = (np.zeros_like(parameters) for _ in range(3))
        self._layers = layers_of(parameters, widths)
        self._gradients = layers_of(self._gradient, widths)
        self._activations, self._errors = (buffers(batch_size, widths) for _ in range(2))
        self._steps = 0

    def train(
        self, inputs: Floats, targets: NDArray[np.int64], class_weights: Floats, order: NDArray[np.int64]
    ) -> None:
        """Take a step per batch, in the given order of the rows.

        Args:
            inputs: (Q, widths[0]) float32.
            targets: (Q,) int64, class of each row; the weight of each must be positive.
            class_weights: (widths[-1],) float32.
            order: (N,) int64, the rows to learn from, in batches of the batch size; the last one may be smaller.
        """
        adam = (self._parameters, self._gradient, self._mean, self._square)
        self._steps = _train(
            inputs, targets, class_weights, order, self._layers, self._gradients, self._activations, self._errors,
            adam, self._learning_rate, self._squash, self._steps,
        )  # fmt: skip


def layers_of(vector: Floats, widths: Sequence[int]) -> Layers:
    """Views of the weights and biases of each layer in a flat vector."""
    weights = []
    biases = []
    start = 0
    for fan_in, fan_out in pairwise(widths):
        end = start + fan_out * fan_in
        weights.append(vector[start:end].reshape(fan_out, fan_in))
        biases.append(vector[end : end + fan_out])
        start = end + fan_out
    return Layers(tuple(weights), tuple(biases))


def buffers(rows: int, widths: Sequence[int]) -> tuple[Floats, ...]:
    """A (rows, width) array per layer, that of the inputs first."""
    return tuple(np.zeros((rows, width), dtype=np.float32) for width in widths)


@_compiled
def forward(layers: Layers, activations: tuple[Floats, ...], rows: int) -> None:
    """Fill a_1..a_L from the rows in a_0; a_L are the logits."""
    last = len(layers.weights)
    for layer in range(1, last + 1):
        below = activations[layer - 1][:rows]
        values = activations[layer][:rows]
        biases = layers.biases[layer - 1]
        np.dot(below, layers.weights[layer - 1].T, out=values)
        for row in range(rows):
            for unit in range(len(biases)):
                value = values[row, unit] + biases[unit]
                values[row, unit] = value if layer == last else max(value, np.float32(0))


@_compiled
def backward(
    layers: Layers, activations: tuple[Floats, ...], errors: tuple[Floats, ...], gradients: Layers, rows: int
) -> None:
    """Fill the gradients, and d_{L-1}..d_1, from the activations and d_L."""
    for layer in range(len(layers.weights), 0, -1):
        below = activations[layer - 1][:rows]
        error = errors[layer][:rows]
        np.dot(error.T, below, out=gradients.weights[layer - 1])
        biases = gradients.biases[layer - 1]
        biases[:] = 0
        for row in range(rows):
            for unit in range(len(biases)):
                biases[unit] += error[row, unit]
        if layer > 1:
            passed = errors[layer - 1][:rows]
            np.dot(error, layers.weights[layer - 1], out=passed)
            for row in range(rows):
                for unit in range(passed.shape[1]):
                    if not below[row, unit] > 0:
                        passed[row, unit] = 0


@_compiled
def softmax(logits: Floats, probabilities: Floats) -> None:
    """Fill in the softmax of one row."""
    peak = logits.max()
    total = np.float32(0)
    for unit in range(len(logits)):
        probabilities[unit] = np.exp(logits[unit] - peak)
        total += probabilities[unit]
    for unit in range(len(logits)):
        probabilities[unit] /= total


@_compiled
def loss_gradient(
    logits: Floats, targets: NDArray[np.int64], class_weights: Floats, squash: bool, error: Floats
) -> None:
    """Fill d_L: the gradient of the weighted mean cross-entropy in the logits z.

    With s = softmax(z), the one-hot target e and the row's share r = w_target / Σ of the batch's w_target,
    d = r (s - e). Squashed, the loss sees s for z: then g = r (softmax(s) - e) is its gradient in s, and
    d = s ⊙ (g - s·g).
    """
    total = np.float32(0)
    probability = np.empty_like(class_weights)
    for target in targets:
        total += class_weights[target]
    for row, target in enumerate(targets):
        gradient = error[row]
        share = class_weights[target] / total
        softmax(logits[row], probability)
        softmax(probability if squash else logits[row], gradient)
        gradient[target] -= np.float32(1)
        product = np.float32(0)
        for unit in range(len(gradient)):
            gradient[unit] *= share
            product += probability[unit] * gradient[unit]
        if squash:
            for unit in range(len(gradient)):
                gradient[unit] = probability[unit] * (gradient[unit] - product)


@_compiled
def adam_step(
    parameters: Floats, gradient: Floats, mean: Floats, square: Floats, learning_rate: float, step: int
) -> None:
    """Adam (Kingma and Ba, 2015): m += (1-β1)(g-m), v += (1-β2)(g²-v), θ -= η m̂ / (√v̂ + ε); step counts from 1."""
    keep = np.float32(_DECAY)
    keep_square = np.float32(_SQUARE_DECAY)
    epsilon = np.float32(_EPSILON)
    take = np.float32(1 - _DECAY)
    take_square = np.float32(1 - _SQUARE_DECAY)
    rate = np.float32(learning_rate / (1 - _DECAY**step))
    scale = np.float32(1 / np.sqrt(1 - _SQUARE_DECAY**step))
    for index in range(len(parameters)):
        mean[index] = keep * mean[index] + take * gradient[index]
        square[index] = keep_square * square[index] + take_square * gradient[index] * gradient[index]
        parameters[index] -= rate * mean[index] / (np.sqrt(square[index]) * scale + epsilon)


@_compiled
def _train(
    inputs: Floats, targets: NDArray[np.int64], class_weights: Floats, order: NDArray[np.int64], layers: Layers,
    gradients: Layers, activations: tuple[Floats, ...], errors: tuple[Floats, ...],
    adam: tuple[Floats, Floats, Floats, Floats], learning_rate: float, squash: bool, step: int,
) -> int:  # fmt: skip
    """A step per batch; returns how many steps were taken so far."""
    batch_size = len(activations[0])
    for start in range(0, len(order), batch_size):
        batch = order[start : start + batch_size]
        rows = len(batch)
        for row in range(rows):
            activations[0][row] = inputs[batch[row]]
        forward(layers, activations, rows)
        loss_gradient(activations[-1][:rows], targets[batch], class_weights, squash, errors[-1][:rows])
        backward(layers, activations, errors, gradients, rows)
        step += 1
        adam_step(*adam, learning_rate, step)
    return step
