"""Gradient descent under way: network, optimizer and progress, and the file that a killed training continues from."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from a2lc.foundation.errors import InputError
from a2lc.foundation.files import atomic_path
from a2lc.foundation.processes import Processes
from a2lc.foundation.readers.checkpoints import check_weights, read_checkpoint, reason
from a2lc.segmentation.batchnorm import average_statistics, set_training
from a2lc.segmentation.gradients import Gradients
from a2lc.segmentation.network import DeepLabV3Plus
from a2lc.segmentation.objectives import Objective
from a2lc.segmentation.optimizers import make_optimizer
from a2lc.segmentation.schedules import make_schedule
from a2lc.segmentation.settings import TrainingSettings
from a2lc.segmentation.weights import copy_weights

_ALONE = Processes()


class Descent:
    """Steps down the gradient; the backbone and the head have learning rates of their own, on one schedule.

    Attributes:
        step: Iterations made.
        best_iteration: Iteration of the best validation so far, 0 before the first.
        best_mean_iou: Its mIoU in [0, 1], -inf before the first.
        last_mean_iou: mIoU of the latest validation, nan before the first.
        best_weights: State dict of the best validation on the CPU, empty before the first.
    """

    def __init__(
        self,
        network: DeepLabV3Plus,
        settings: TrainingSettings,
        objective: Objective,
        device: torch.device,
        fingerprint: int,
        processes: Processes = _ALONE,
        gradients: Gradients | None = None,
    ) -> None:
        """Start at iteration 0.

        Args:
            network: Already on `device`; put into training mode, and into another memory format where that is faster.
            settings: How to train.
            objective: Gives the loss.
            device: Where to compute.
            fingerprint: Equal for two trainings that must end with the same weights; see `resume`.
            processes: Those that make every step together, each with its part of the batch.
            gradients: What gives the gradient of a batch; None = the mean loss over its labelled pixels.
        """
        self.step = 0
        self.best_iteration = 0
        self.best_mean_iou = -math.inf
        self.last_mean_iou = math.nan
        self.best_weights: dict[str, Tensor] = {}
        self._settings = settings
        self._fingerprint = fingerprint
        self._processes = processes
        self._started = time.perf_counter()
        self.network = network
        self._gradients = gradients or Gradients(network, settings, objective, device, processes)
        self.learn()
        self._schedule = make_schedule(settings)
        parts = [(network.backbone, settings.backbone_learning_rate_factor), (network.classifier, 1.0)]
        learning = parts[1:] if network.frozen else parts
        self._rates = [settings.learning_rate * factor for _, factor in learning]
        groups = [{"params": part.parameters()} for part, _ in learning]
        self._optimizer = make_optimizer(groups, settings, fused=device.type in ("cpu", "cuda"))

    def learn(self) -> None:
        """Put the network into training mode: at the start, and after somebody predicted with it."""
        set_training(self.network, self._settings.batchnorm)

    @property
    def learning_rate(self) -> float:
        """Learning rate of the head in the latest step."""
        return float(self._optimizer.param_groups[-1]["lr"])

    @property
    def seconds(self) -> float:
        """Time spent, earlier attempts included up to what they saved."""
        return time.perf_counter() - self._started

    def advance(self, *batch: Any) -> float:
        """Make one step.

        Args:
            *batch: What this process has of the batch, as its gradients take it (`Gradients.add`): images (N, 3, h, w)
                uint8, or features; labels (N, h, w) uint8 and, where somebody said which pixels' labels were verified,
                these, (N, h, w) bool.

        Returns:
            The loss of the whole batch before the step.

        Raises:
            InputError: When the loss is not finite.
        """
        settings = self._settings
        factor = self._schedule(self.step)
        for group, rate in zip(self._optimizer.param_groups, self._rates, strict=True):
            group["lr"] = max(rate * factor, settings.learning_rate_floor)
        self._optimizer.zero_grad()
        loss = self._gradients.add(*batch)
        if not math.isfinite(loss):
            raise InputError(
                f"the loss is {loss} at iteration {self.step + 1}, so the training has diverged: set "
                f"training.learning_rate below {settings.learning_rate:g}"
            )
        self._gradients.scaler.step(self._optimizer)
        self._gradients.scaler.update()
        if self._processes.count > 1 and settings.batchnorm == "batch":
            average_statistics(self.network, self._processes)
        self.step += 1
        self._gradients.follow(self.step)
        return loss

    def judge(self, validate: Callable[[nn.Module], float]) -> None:
        """Validate the network in evaluation mode; keep a copy of its weights if they are the best so far."""
        self.last_mean_iou = validate(self.network.eval())
        self.learn()
        if self.last_mean_iou > self.best_mean_iou:
            self.best_mean_iou = self.last_mean_iou
            self.best_iteration = self.step
            self.best_weights = weights_of(self.network)

    def save(self, path: Path) -> None:
        """Write all that a resumed training needs.

        The best weights are part of it: of two files, one could be newer than the other after a kill.
        """
        state = {
            "fingerprint": self._fingerprint,
            "seconds": self.seconds,
            "progress": {name: getattr(self, name) for name in _PROGRESS},
            "network": self.network.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "scaler": self._gradients.scaler.state_dict(),
            "gradients": self._gradients.state_dict(),
        }
        with atomic_path(path) as temporary:
            torch.save(state, temporary)

    def resume(self, path: Path) -> None:
        """Continue from what `save` wrote.

        Raises:
            InputError: When the file is unreadable or its fingerprint or network is another one.
        """
        state = read_checkpoint(path, _STATE, _REMEDY)
        if state["fingerprint"] != self._fingerprint:
            raise InputError(
                f"{path} was left by a training with other settings, seeds or images: continue it with those, or "
                "delete it to start anew"
            )
        check_weights(state["network"], path, _REMEDY)
        copy_weights(self.network, state["network"], str(path))
        try:
            self._optimizer.load_state_dict(state["optimizer"])
            if state["scaler"]:  # empty where the training began without mixed precision
                self._gradients.scaler.load_state_dict(state["scaler"])
            for name in _PROGRESS:
                setattr(self, name, state["progress"][name])
        except (KeyError, ValueError, TypeError, AttributeError, RuntimeError) as error:
            raise InputError(f"{path} does not hold what was expected ({reason(error)}): {_REMEDY}") from None
        self._gradients.load_state_dict(state.get("gradients", {}), str(path))  # absent in older files
        self._started -= state["seconds"]


_PROGRESS = ("step", "best_iteration", "best_mean_iou", "last_mean_iou", "best_weights")
_STATE = {"fingerprint": int, "seconds": float, "progress": dict, "network": dict, "optimizer": dict, "scaler": dict}
_REMEDY = "delete it to start this training anew"


def weights_of(network: nn.Module) -> dict[str, Tensor]:
    """A copy of the network's state dict on the CPU, in the usual memory format."""
    contiguous = torch.contiguous_format
    return {name: tensor.cpu().clone(memory_format=contiguous) for name, tensor in network.state_dict().items()}
