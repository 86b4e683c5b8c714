"""What a run is going to do, in a line."""

from __future__ import annotations

from collections.abc import Sequence

from a2lc.loop.config import RunConfig


def plan(configs: Sequence[RunConfig], images: int) -> str:
    """What the runs of an experiment come to; the first network of a seed is shared by its methods.

    Args:
        configs: One per method.
        images: How many training images there are.

    Example:
        >>> from a2lc.loop.config import load_config
        >>> plan(load_config("pascal", ["method=a2lc,alc", "seeds=1,2,3"]), 1464).split("; ")[1]
        '33 trainings of 30,000 iterations'
    """
    first = configs[0]
    seeds = len(first.seeds)
    methods = ", ".join(config.method for config in configs)
    asked = f"{_count(first.rounds, 'round')} of {_count(first.budget, 'click')}"
    work = f"{first.experiment}: {_count(images, 'image')}, {_count(seeds, 'seed')} x {methods} x {asked}"
    return f"{work}; {_trainings(first, seeds * (1 + len(configs) * first.rounds), seeds)}"


def _trainings(config: RunConfig, rounds: int, seeds: int) -> str:
    """How often a network is trained, and how long."""
    if not config.training.iterations:
        return "no network is trained"
    count = rounds + seeds * (config.start.name == "clicks")
    return f"{_count(count, 'training')} of {_count(config.training.iterations, 'iteration')}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
