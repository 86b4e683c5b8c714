"""The label correction module (LCM): a small network from a mask's mean prediction to its class."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from a2lc.propagation.perceptron import Perceptron

_HIDDEN = (256, 128, 64)  # units per hidden layer, from the paper's official code
_CHUNK = 4096  # masks predicted at once: few enough for the activations to stay in the cache


class LabelCorrectionModule:
    """A perceptron C-256-128-64-C with ReLU, trained on the masks that were asked about in one round.

    Source: A²LC, L_LCM. Mode "compat" is the official code: the class-weighted cross-entropy is applied to the softmax
    output, which it squashes a second time; the loss cannot fall below ln(1 + (C-1)/e), and training pushes the
    confidences towards 1. Mode "fixed" applies it to the logits. Everything else is the same in both.

    It is trained on one CPU core, see `a2lc.propagation.perceptron`: for a network this small a GPU is no quicker.

    Args:
        num_classes: C.
        mode: "compat" or "fixed".
        seed: Decides the initial weights and the order of the masks; the same seed gives the same module. PyTorch's
            global generators are neither used nor changed.
        epochs: Passes over the masks.
        batch_size: Masks per optimizer step.
        learning_rate: Adam's.

    Raises:
        ValueError: When the mode is unknown.

    Example:
        >>> features = np.array([[0.9, 0.1], [0.2, 0.8]], dtype=np.float32)
        >>> module = LabelCorrectionModule(num_classes=2, mode="fixed", learning_rate=1e-2)
        >>> predicted, confidence = module.fit(features, np.array([0, 1])).predict(features)
        >>> predicted.tolist(), bool((confidence > 0.5).all())
        ([0, 1], True)
    """

    def __init__(
        self,
        num_classes: int,
        mode: Literal["compat", "fixed"] = "compat",
        seed: int = 0,
        epochs: int = 100,
        batch_size: int = 8,
        learning_rate: float = 1e-4,
    ) -> None:
        if mode not in ("compat", "fixed"):
            raise ValueError(f"unknown mode '{mode}': expected compat or fixed")
        self.num_classes = num_classes
        self.mode = mode
        self.seed = seed
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self._network: nn.Module | None = None

    def fit(self, features: NDArray[np.float32], labels: NDArray[np.integer]) -> LabelCorrectionModule:
        """Train from fresh weights; what an earlier call learned is forgotten.

        Args:
            features: (Q, C) float32, mean class probabilities of each mask.
            labels: (Q,) integers in [0, C), the answered class of each mask; leave masks answered with void out.

        Returns:
            The module itself.

        Raises:
            ValueError: When there is no mask, a shape is wrong, or a label is not a class.
        """
        inputs = self._checked(features)
        targets = np.asarray(labels)
        weights = class_weights(targets, self.num_classes)
        if targets.shape != (len(inputs),) or not len(inputs):
            raise ValueError(f"expected at least one mask and a label for each, got {len(inputs)} and {targets.shape}")
        with torch.random.fork_rng(devices=[]):
            # Not torch.manual_seed, which would reseed the generators of every GPU as well.
            torch.default_generator.manual_seed(self.seed)
            self._network = _perceptron(self.num_classes)
            self._train(self._network, inputs.numpy(), targets.astype(np.int64), weights.astype(np.float32))
        return self

    def predict(self, features: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Predict the class of each mask.

        Args:
            features: (M, C) float32, mean class probabilities of each mask.

        Returns:
            predicted: (M,) int64, the most probable class.
            confidence: (M,) float32 in [0, 1], its probability; lower is less certain.

        Raises:
            ValueError: When the shape is wrong.
            RuntimeError: When the module has not been fitted.
        """
        if self._network is None:
            raise RuntimeError("this LabelCorrectionModule has learned nothing yet: call fit first")
        inputs = self._checked(features)
        predicted = np.empty(len(inputs), dtype=np.int64)
        confidence = np.empty(len(inputs), dtype=np.float32)
        with torch.inference_mode():
            for start in range(0, len(inputs), _CHUNK):
                chunk = slice(start, start + _CHUNK)
                top = self._network(inputs[chunk]).softmax(dim=1).max(dim=1)
                confidence[chunk] = top.values.numpy()
                predicted[chunk] = top.indices.numpy()
        return predicted, confidence

    def _checked(self, features: NDArray[np.float32]) -> Tensor:
        """Features (M, C) float32 as a tensor of their own. Raises ValueError on another shape."""
        values = np.array(features, dtype=np.float32)
        if values.ndim != 2 or values.shape[1] != self.num_classes:
            raise ValueError(f"features have shape {values.shape}: expected (masks, {self.num_classes})")
        return torch.from_numpy(values)

    def _train(
        self, network: nn.Module, inputs: NDArray[np.float32], targets: NDArray[np.int64], weights: NDArray[np.float32]
    ) -> None:
        """Train the network in place, all epochs."""
        with torch.no_grad():
            vector = parameters_to_vector(network.parameters())
        # No 0/0 in the weighted mean: the weight of a class is positive wherever it occurs in the targets.
        trained = Perceptron(
            vector.numpy(), _widths(self.num_classes), self.batch_size, self.learning_rate, self.mode == "compat"
        )
        for _ in range(self.epochs):
            trained.train(inputs, targets, weights, torch.randperm(len(inputs)).numpy())
        vector_to_parameters(vector, network.parameters())


def class_weights(labels: NDArray[np.integer], num_classes: int) -> NDArray[np.float64]:
    """Weight each class by the inverse of how many masks have it, so that rare classes are learned too.

    Args:
        labels: (Q,) integers in [0, C).
        num_classes: C.

    Returns:
        (C,) float64 with sum 1, w_c proportional to Q / n_c; 0 for a class without a mask, all 0 without any mask.

    Raises:
        ValueError: When a label is outside [0, C).
    """
    labels = np.asarray(labels)
    if labels.size and (labels.min() < 0 or labels.max() >= num_classes):
        raise ValueError(
            f"labels lie in [{labels.min()}, {labels.max()}]: expected classes 0 to {num_classes - 1}, without void"
        )
    counts = np.bincount(labels.astype(np.int64), minlength=num_classes)
    weights = np.zeros(num_classes)
    weights[counts > 0] = len(labels) / counts[counts > 0]
    return weights / max(weights.sum(), 1.0)  # the sum is at least 1 as soon as there is a mask


def _widths(num_classes: int) -> tuple[int, ...]:
    """Units of the layers, from input to output."""
    return (num_classes, *_HIDDEN, num_classes)


def _perceptron(num_classes: int) -> nn.Sequential:
    """The network with fresh weights."""
    layers: list[nn.Module] = []
    for fan_in, fan_out in pairwise(_widths(num_classes)):
        layers += [nn.Linear(fan_in, fan_out), nn.ReLU()]
    return nn.Sequential(*layers[:-1])  # the last layer gives logits
