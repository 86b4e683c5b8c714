"""What the papers report for experiments that can be run here, read from configs/published/<preset>.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from importlib import resources

import yaml

from a2lc.foundation.settings import Decides, marks_of
from a2lc.loop.config import RunConfig, load_config
from a2lc.reporting import Published

_FOLDER = resources.files("a2lc") / "configs" / "published"
# where data, weights and outputs lie and how fast a run is: an experiment stays the same experiment without them
_INCIDENTAL = {Decides.SOURCE, Decides.OUTPUT, Decides.EXTENT, Decides.SPEED, Decides.PRECISION}


def read_published(preset: str) -> tuple[Published, ...]:
    """All entries of a built-in configuration, in the order of its file."""
    text = (_FOLDER / f"{preset}.yaml").read_text(encoding="utf-8")
    return tuple(Published(**entry) for entry in yaml.safe_load(text))


def published_for(config: RunConfig) -> tuple[Published, ...]:
    """What the papers report for an experiment.

    An entry belongs to it when the two configurations are equal in every key that decides about numbers; the experiment
    may have fewer rounds.

    Args:
        config: One method on one data set.

    Returns:
        The entries that report a number of a round that the experiment has, without the rounds that it has not.
    """
    presets = sorted(entry.name.removesuffix(".yaml") for entry in _FOLDER.iterdir())
    entries = (
        replace(
            entry,
            data_miou=_first_rounds(entry.data_miou, config.rounds),
            model_miou_best=_first_rounds(entry.model_miou_best, config.rounds),
        )
        for preset in presets
        for entry in read_published(preset)
        if _is_same(config, load_config(preset, entry.settings)[0])
    )
    return tuple(entry for entry in entries if entry.data_miou or entry.model_miou_best)


def _is_same(config: RunConfig, theirs: RunConfig) -> bool:
    different = {line.partition(":")[0] for line in theirs.difference(config, tuple(Decides))}
    by_chance = all(marks_of(RunConfig, key) & _INCIDENTAL for key in different)
    # another file may hold the same weights, but a network without any starts elsewhere
    pretrained = config.network.backbone_weights != "none"
    return by_chance and config.rounds <= theirs.rounds and pretrained


def _first_rounds(percent: Mapping[int, float], rounds: int) -> dict[int, float]:
    return {index: value for index, value in percent.items() if index <= rounds}
