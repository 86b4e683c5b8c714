"""What an objective is, and which there are; imports no PyTorch, so that settings can name one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from a2lc.foundation.registry import Registry

if TYPE_CHECKING:
    from torch import Tensor

    from a2lc.segmentation.objectives.settings import LossSettings


class Objective(Protocol):
    """How the head of C classes is trained, and how its logits are read.

    Example:
        >>> objective = make_objective(settings, num_classes=21)
        >>> network = build_network(NetworkSettings(), objective.channels, seed=0)
        >>> objective.probabilities(network(images)).shape  # for images (4, 3, 96, 160)
        torch.Size([4, 21, 96, 160])
    """

    @property
    def channels(self) -> int:
        """K, channels of the head."""
        ...

    @property
    def void(self) -> int:
        """Label of the pixels that teach nothing."""
        ...

    @property
    def distinguishes(self) -> bool:
        """Whether verified pixels count otherwise than others; if not, nobody finds out which they are."""
        ...

    def loss(self, logits: Tensor, labels: Tensor, trusted: Tensor | None = None) -> Tensor:
        """What a training minimises, summed over the pixels whose label is a class.

        The sum, because a batch may be divided among passes and processes: who divided it knows of how many pixels.

        Args:
            logits: (N, K, H, W) float, of any precision.
            labels: (N, H, W) integers, class index or `void`.
            trusted: (N, H, W) bool, the pixels whose label a person or the oracle verified; an objective that
                distinguishes trusts them fully, whatever the network thinks. None = none of them.

        Returns:
            () float32; 0 where every label is void. Void pixels have no gradient.
        """
        ...

    def probabilities(self, logits: Tensor) -> Tensor:
        """Read logits.

        Args:
            logits: (N, K, H, W) float32.

        Returns:
            (N, C, H, W) float32 on the same device; the classes of a pixel sum to 1.
        """
        ...


class ObjectiveChoice(Protocol):
    """Settings that name an objective, as `TrainingSettings` do."""

    @property
    def objective(self) -> str:
        """Its name."""
        ...

    @property
    def loss(self) -> LossSettings:
        """Its parameters, and those of all others."""
        ...


ObjectiveFactory = Callable[[Any, int, int], Objective]  # of training settings, number of classes C, void index

OBJECTIVES: Registry[ObjectiveFactory] = Registry("objectives")


def make_objective(settings: ObjectiveChoice, num_classes: int, void: int = 255) -> Objective:
    """The objective that `training.objective` names.

    Args:
        settings: How to train.
        num_classes: C.
        void: Label of the pixels that teach nothing.

    Raises:
        InputError: When no objective has this name.
    """
    return OBJECTIVES[settings.objective](settings, num_classes, void)
