"""The gradient of a batch's loss: in one pass or several, alone or with other processes, in 32 or 16 bits."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from a2lc.foundation.processes import Processes
from a2lc.segmentation.batchnorm import synchronise
from a2lc.segmentation.features import Features
from a2lc.segmentation.objectives import Objective
from a2lc.segmentation.settings import TrainingSettings
from a2lc.segmentation.transforms import as_input


class Gradients:
    """Forward and backward passes of a network in training, in whatever way is fast on its device.

    Attributes:
        scaler: Of the loss, so that float16 can hold its gradients; does nothing in other precisions.
    """

    def __init__(
        self,
        network: nn.Module,
        settings: TrainingSettings,
        objective: Objective,
        device: torch.device,
        processes: Processes,
    ) -> None:
        """Prepare the network; its parameters stay the same objects.

        Args:
            network: Already on `device`; put into the memory format of the settings.
            settings: How to train.
            objective: Gives the loss.
            device: Where to compute.
            processes: Those that compute the gradient together, each on its part of the batch.
        """
        self._settings = settings
        self._objective = objective
        self._device = device
        self._processes = processes
        self._on_cuda = device.type == "cuda"
        last = self._on_cuda if settings.channels_last is None else settings.channels_last
        self._format = torch.channels_last if last else torch.contiguous_format
        for parameter in network.parameters():
            if parameter.dim() == 4:
                parameter.data = parameter.data.contiguous(memory_format=self._format)
        if settings.batchnorm == "synchronised" and processes.count > 1:
            synchronise(network)
        self._joined = _join(network, device) if processes.count > 1 else None
        self._plain: Any = self._joined or network
        self._forward: Any = self._plain
        if settings.compile:
            self._forward = torch.compile(self._forward)
        mixed = settings.mixed_precision and self._on_cuda
        brain = mixed and torch.cuda.is_bf16_supported(including_emulation=False)
        self._precision = torch.bfloat16 if brain else torch.float16 if mixed else torch.float32
        self.scaler = torch.amp.GradScaler(device.type, enabled=self._precision == torch.float16)

    def add(self, images: Tensor | Features, labels: Tensor, trusted: Tensor | None = None, /) -> float:
        """Add the gradient of the mean loss over all pixels of the batch that are not void; 0 where all are.

        Args:
            images: The images of this process (N, 3, h, w) uint8, or their features.
            labels: Their labels (N, h, w) uint8.
            trusted: (N, h, w) bool, the pixels whose label was verified; None = nobody said which.

        Returns:
            The loss, of all processes.
        """
        passes = self._settings.accumulation
        labels = self._moved(labels)
        valid = self._processes.sum((labels != self._objective.void).sum()).clamp(min=1)
        parts = zip(
            _divided(images.to(self._device, non_blocking=True), passes),
            labels.chunk(passes),
            [None] * passes if trusted is None else self._moved(trusted).chunk(passes),
            strict=True,
        )
        return self._add_all([partial(self._loss, *part, valid) for part in parts])

    def follow(self, step: int) -> None:
        """Take note that the network has made its `step`-th step; for gradients that have a memory."""

    def state_dict(self) -> dict[str, Any]:
        """What a resumed training needs of this memory, tensors and plain data; empty where there is none."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any], source: str) -> None:
        """Take up what `state_dict` gave; `source` is what messages call it. Raises InputError when it is unfit."""

    def _add_all(self, losses: Sequence[Callable[[], Tensor]]) -> float:
        """Add the gradient of a sum of losses, computed one after the other; returns the sum, of all processes."""
        total = torch.zeros((), device=self._device)
        with self._convolutions():
            for index, compute in enumerate(losses, start=1):
                with self._alone() if index < len(losses) else nullcontext():
                    loss = compute()
                    total += loss.detach()
                    # of the gradients of several processes the mean is taken, but the loss is their sum
                    self.scaler.scale(loss * self._processes.count).backward()
        return float(self._processes.sum(total).item())

    def _moved(self, tensor: Tensor) -> Tensor:
        """A tensor on the device of the network."""
        return tensor.to(self._device, non_blocking=True)

    def _loss(self, images: Tensor | Features, labels: Tensor, trusted: Tensor | None, valid: Tensor) -> Tensor:
        """The loss of a pass, summed over its pixels, per pixel of the whole batch."""
        return self._objective.loss(self._logits(self._forward, images), labels, trusted) / valid

    def _logits(self, network: Any, images: Tensor | Features) -> Tensor:
        """What a network says about images (N, 3, h, w) uint8, or features: (N, K, h, w)."""
        inputs = as_input(images, self._settings.mean, self._settings.std, self._format)
        with torch.autocast(self._device.type, self._precision, enabled=self._precision != torch.float32):
            logits: Tensor = network(inputs)
        return logits

    def _alone(self) -> AbstractContextManager[None]:
        """Gradients are added up here before the processes exchange them."""
        return self._joined.no_sync() if self._joined else nullcontext()

    def _convolutions(self) -> AbstractContextManager[None]:
        """Crops have one size, so cuDNN may try which algorithm is the fastest, unless results must be repeatable."""
        if not self._on_cuda:
            return nullcontext()
        repeatable = torch.are_deterministic_algorithms_enabled()
        return torch.backends.cudnn.flags(
            enabled=True, benchmark=not repeatable, deterministic=repeatable, allow_tf32=self._settings.tf32
        )


def _divided(images: Tensor | Features, parts: int) -> Sequence[Tensor | Features]:
    """The images of every pass."""
    return images.chunk(parts)


def _join(network: nn.Module, device: torch.device) -> DistributedDataParallel:
    """What exchanges gradients while they are computed; all processes get the main one's weights."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`broadcast_buffers` is deprecated", FutureWarning)  # in 2.15; 2.6 needs it
        return DistributedDataParallel(
            network,
            device_ids=[device] if device.type == "cuda" else None,
            broadcast_buffers=False,  # they are kept equal: see batchnorm.py
            gradient_as_bucket_view=True,
        )
