"""The teacher: the running mean of a student's weights."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from a2lc.segmentation.weights import copy_weights


class Teacher:
    """Exponential moving average of a network's weights, BatchNorm's statistics included, in evaluation mode.

    After step t it is d · itself + (1 - d) · student with d = min(decay, 1 - 1/t), so that after the first step it is
    the student, and the start does not weigh on it for long. With decay 0 it is the student after every step.

    Source: Tarvainen and Valpola, "Mean teachers are better role models", NeurIPS 2017.

    Attributes:
        network: A copy of the student; its parameters have no gradients.

    Example:
        >>> teacher = Teacher(student, decay=0.99)
        >>> teacher.follow(student, step=1)
    """

    def __init__(self, student: nn.Module, decay: float) -> None:
        """Begin as the student is.

        Args:
            student: The network that learns, on its device.
            decay: In [0, 1).
        """
        self.network = copy.deepcopy(student).eval().requires_grad_(False)
        self._decay = decay

    @torch.no_grad()
    def follow(self, student: nn.Module, step: int) -> None:
        """Take in the student as it is after its `step`-th step, from 1."""
        decay = min(self._decay, 1 - 1 / step)
        pairs = zip(self.network.state_dict().values(), student.state_dict().values(), strict=True)
        for own, new in pairs:
            if own.is_floating_point():
                own.lerp_(new, 1 - decay)
            else:
                own.copy_(new)

    def state_dict(self) -> dict[str, Tensor]:
        """Its weights."""
        return self.network.state_dict()

    def load_state_dict(self, weights: Mapping[str, Tensor], source: str) -> None:
        """Take up weights; `source` is what messages call them. Raises InputError when they belong to another one."""
        copy_weights(self.network, weights, source)
