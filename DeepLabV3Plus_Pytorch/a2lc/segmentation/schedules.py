"""How learning rates change in the course of a training; imports no PyTorch, so that settings can name one."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol

from a2lc.foundation.registry import Registry


class ScheduleChoice(Protocol):
    """Settings that a schedule follows, as `TrainingSettings` have them."""

    @property
    def schedule(self) -> str:
        """Its name."""
        ...

    @property
    def iterations(self) -> int:
        """Steps of the training."""
        ...

    @property
    def warmup(self) -> int | None:
        """Steps in which the learning rate rises; None = as many as the schedule thinks best."""
        ...

    @property
    def poly_power(self) -> float:
        """Exponent of the polynomial schedule."""
        ...


Schedule = Callable[[int], float]  # step, from 0 → multiple of the learning rate, in (0, 1]

SCHEDULES: Registry[Callable[[ScheduleChoice], Schedule]] = Registry("schedules")
_ONE_CYCLE_RISE = 0.3  # share of the steps
_ONE_CYCLE_START = 1 / 25
_ONE_CYCLE_END = _ONE_CYCLE_START / 1e4


def make_schedule(choice: ScheduleChoice) -> Schedule:
    """The schedule that `training.schedule` names.

    Raises:
        InputError: When no schedule has this name.
    """
    return SCHEDULES[choice.schedule](choice)


def poly(choice: ScheduleChoice) -> Schedule:
    """(1 - step / steps)^p, after a linear rise.

    Source: the papers; Chen et al., "DeepLab", TPAMI 2018.
    """
    rise = _rise(choice.warmup or 0)
    return lambda step: rise(step) * (1 - step / choice.iterations) ** choice.poly_power


def cosine(choice: ScheduleChoice) -> Schedule:
    """Half a cosine from 1 to 0, after a linear rise.

    Source: Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", ICLR 2017, without restarts.
    """
    warmup = choice.warmup or 0
    rise = _rise(warmup)
    left = max(1, choice.iterations - warmup)
    return lambda step: rise(step) * _half_cosine(1.0, 0.0, max(0, step - warmup) / left)


def one_cycle(choice: ScheduleChoice) -> Schedule:
    """Half a cosine from 1/25 up to 1 and another down to 1/250,000; the momentum stays as it is.

    Source: Smith and Topin, "Super-Convergence", 2019, in the form of PyTorch's `OneCycleLR`.
    """
    last = choice.iterations - 1
    peak = (_ONE_CYCLE_RISE * choice.iterations if choice.warmup is None else min(choice.warmup, last)) - 1

    def factor(step: int) -> float:
        if step < peak:
            return _half_cosine(_ONE_CYCLE_START, 1.0, step / peak)
        return _half_cosine(1.0, _ONE_CYCLE_END, (step - peak) / max(last - peak, 1))

    return factor


def _rise(steps: int) -> Schedule:
    """In equal parts to 1, which the step after the last of them has."""
    return lambda step: min(1.0, (step + 1) / (steps + 1))


def _half_cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) / 2 * (1 + math.cos(math.pi * share))


SCHEDULES.register("poly", poly)
SCHEDULES.register("onecycle", one_cycle)
SCHEDULES.register("cosine", cosine)
