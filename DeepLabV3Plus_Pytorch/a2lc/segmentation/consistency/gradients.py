"""The gradient of a step in which a student learns from labels and from its teacher."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from a2lc.foundation.errors import InputError
from a2lc.foundation.processes import Processes
from a2lc.foundation.readers.checkpoints import check_weights
from a2lc.segmentation.consistency.base import Batch, Lesson, Method, Target
from a2lc.segmentation.consistency.perturbation import dropped_channels
from a2lc.segmentation.consistency.settings import ConsistencySettings
from a2lc.segmentation.consistency.teacher import Teacher
from a2lc.segmentation.features import Features
from a2lc.segmentation.gradients import Gradients
from a2lc.segmentation.network import DeepLabV3Plus
from a2lc.segmentation.objectives import Objective
from a2lc.segmentation.settings import TrainingSettings

_REMEDY = "delete it to start this training anew"


class GivenLabels(Gradients):
    """The labels are given with the images, so that an objective may trust them fully."""

    def add(self, images: Tensor | Features, labels: Tensor, trusted: Tensor | None = None, /) -> float:
        """Add the gradient of a batch whose labels are all trusted; see `Gradients.add`."""
        return super().add(images, labels, torch.ones_like(labels, dtype=torch.bool))


class ConsistencyGradients(Gradients):
    """Each lesson of the method is a pass of its own: BatchNorm sees labelled and unlabelled images apart."""

    def __init__(
        self,
        consistency: ConsistencySettings,
        method: Method,
        network: DeepLabV3Plus,
        settings: TrainingSettings,
        objective: Objective,
        device: torch.device,
        processes: Processes,
    ) -> None:
        """Prepare the student and copy it into its teacher.

        Args:
            consistency: Decay of the teacher, weights, ramp-up.
            method: Gives the lessons.
            network: The student, on `device`.
            settings: How to train.
            objective: Gives the loss and reads logits.
            device: Where to compute.
            processes: Those that compute the gradient together, each on its part of the batch.
        """
        super().__init__(network, settings, objective, device, processes)
        self._network = network
        self._consistency = consistency
        self._method = method
        self._teacher = Teacher(network, consistency.ema_decay)
        self._step = 0

    def add(self, images: Tensor, labels: Tensor, weak: Tensor, valid: Tensor, /) -> float:  # type: ignore[override]  # a step of two kinds of images
        """Add the gradient of the lessons of a batch.

        Args:
            images: Labelled images of this process (N, 3, h, w) uint8.
            labels: Their labels (N, h, w) uint8.
            weak: Weak views of unlabelled images (N, 3, h, w) uint8.
            valid: (N, h, w) bool, where these show the image and no padding.

        Returns:
            The loss, of all processes.
        """
        batch = Batch(*(self._moved(tensor) for tensor in (images, labels, weak, valid)))
        lessons = list(self._method.lessons(batch, self._taught, self._unlabelled_weight))
        return self._add_all([loss for lesson in lessons for loss in self._passes(lesson)])

    def follow(self, step: int) -> None:
        """Let the teacher take in what the student has become."""
        self._step = step
        self._teacher.follow(self._network, step)

    def state_dict(self) -> dict[str, Any]:
        """The teacher and the step that it has come to."""
        return {"step": self._step, "teacher": self._teacher.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any], source: str) -> None:
        """Take them up again. Raises InputError when they are not there or belong to another network."""
        step = state.get("step")
        teacher = state.get("teacher")
        if not isinstance(step, int) or not isinstance(teacher, Mapping):
            raise InputError(f"{source} holds no teacher: {_REMEDY}")
        check_weights(teacher, Path(source), _REMEDY)
        self._teacher.load_state_dict(teacher, source)
        self._step = step

    @property
    def _unlabelled_weight(self) -> float:
        """Weight of the unlabelled images in the step that comes."""
        ramp_up = self._consistency.ramp_up
        grown = min(1.0, self._step / ramp_up) if ramp_up else 1.0
        return self._consistency.unlabelled_weight * grown

    @torch.no_grad()
    def _taught(self, images: Tensor) -> Tensor:
        """The teacher's probabilities (N, C, h, w) of images (N, 3, h, w) uint8."""
        with self._convolutions():
            return self._objective.probabilities(self._logits(self._teacher.network, images).float())

    def _passes(self, lesson: Lesson) -> Iterator[partial[Tensor]]:
        """The losses of a lesson, one for each pass."""
        passes = self._settings.accumulation
        pixels = self._processes.sum(lesson.pixels.clone()).clamp(min=1)
        targets = zip(*(target.chunk(passes) for target in lesson.targets), strict=True)
        for images, of_part in zip(lesson.images.chunk(passes), targets, strict=True):
            yield partial(self._loss_of, lesson, images, of_part, pixels)

    def _loss_of(self, lesson: Lesson, images: Tensor, targets: tuple[Target, ...], pixels: Tensor) -> Tensor:
        """The loss of a pass."""
        # what torch.compile has translated does not ask for hooks any more
        network = self._plain if lesson.feature_dropout else self._forward
        with dropped_channels(self._network.backbone, lesson.feature_dropout):
            logits = self._logits(network, images)
        losses = [target.loss(logits, self._objective) for target in targets]
        return lesson.weight * torch.stack(losses).sum() / pixels
