"""What turns gradients into steps; imports PyTorch only when one is made, so that settings can name one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from a2lc.foundation.registry import Registry

if TYPE_CHECKING:
    from torch.optim import Optimizer


class OptimizerChoice(Protocol):
    """Settings that an optimizer is made of, as `TrainingSettings` have them."""

    @property
    def optimizer(self) -> str:
        """Its name."""
        ...

    @property
    def learning_rate(self) -> float:
        """Learning rate of the head."""
        ...

    @property
    def momentum(self) -> float:
        """Share of the mean gradient that stays from step to step."""
        ...

    @property
    def beta2(self) -> float:
        """Share of the mean squared gradient that stays from step to step."""
        ...

    @property
    def weight_decay(self) -> float:
        """Pull of every weight towards zero."""
        ...


Groups = list[dict[str, Any]]  # what PyTorch calls parameter groups
OptimizerFactory = Callable[[Groups, OptimizerChoice, bool], "Optimizer"]  # the last: whether to use a fused kernel

OPTIMIZERS: Registry[OptimizerFactory] = Registry("optimizers")


def make_optimizer(groups: Groups, choice: OptimizerChoice, fused: bool) -> Optimizer:
    """The optimizer that `training.optimizer` names.

    Args:
        groups: Parameter groups of PyTorch.
        choice: How to train.
        fused: Whether to use PyTorch's fused kernels, which the device must have.

    Raises:
        InputError: When no optimizer has this name.
    """
    return OPTIMIZERS[choice.optimizer](groups, choice, fused)


def _sgd(groups: Groups, choice: OptimizerChoice, fused: bool) -> Optimizer:
    """Stochastic gradient descent with momentum and an L2 penalty."""
    from torch.optim import SGD

    return SGD(groups, lr=choice.learning_rate, momentum=choice.momentum, weight_decay=choice.weight_decay, fused=fused)


def _adamw(groups: Groups, choice: OptimizerChoice, fused: bool) -> Optimizer:
    """Adam whose decay acts on the weights themselves.

    Source: Loshchilov and Hutter, "Decoupled Weight Decay Regularization", ICLR 2019.
    """
    from torch.optim import AdamW

    betas = (choice.momentum, choice.beta2)
    return AdamW(groups, lr=choice.learning_rate, betas=betas, weight_decay=choice.weight_decay, fused=fused)


OPTIMIZERS.register("sgd", _sgd)
OPTIMIZERS.register("adamw", _adamw)
