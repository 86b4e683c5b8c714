"""With what each round was made: what may change from the next round on is noted in the folder of a round.

A round that is begun ends as it was begun; a new budget holds from the next one on.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

from a2lc.foundation.files import is_there, read_json, write_json
from a2lc.foundation.layers import read_yaml
from a2lc.foundation.processes import on_main
from a2lc.foundation.settings import Decides
from a2lc.loop.begun import MADE_WITH, is_begun
from a2lc.loop.config import RunConfig
from a2lc.loop.run import Run

_log = logging.getLogger(__name__)
_KEYS = RunConfig.fields_that(Decides.NEXT_ROUNDS)
_LOST = "write into it what the round was begun with, for example budget"


def begin_round(run: Run, round_index: int) -> Run:
    """Note with what a round is made, unless it is noted; by all processes together.

    Returns:
        The run with the settings of this round.
    """
    _note(run, round_index)
    return in_round(run, round_index)


def in_round(run: Run, round_index: int) -> Run:
    """A run with the settings with which a round was begun, or will be; by all processes together."""
    config = _shared_config(run, round_index)
    return run if config == run.config else replace(run, config=config)


def config_in(config: RunConfig, folder: Path, round_index: int) -> RunConfig:
    """The configuration that a round was begun with, or, where it is not begun, is going to be.

    Args:
        config: That of now.
        folder: Of the method.
        round_index: The round, from 1.

    Raises:
        InputError: When what was noted is damaged.
    """
    noted = _noted(folder, round_index)
    return RunConfig.model_validate({**config.model_dump(), **noted}) if noted else config


def _noted(folder: Path, round_index: int) -> dict[str, Any]:
    """The settings of a round; of one that an earlier version began, which noted none, those of the method's folder."""
    path = folder / f"round_{round_index}" / MADE_WITH
    if is_there(path):
        return {key: value for key, value in read_json(path, remedy=_LOST).items() if key in _KEYS}
    if is_begun(path.parent) and is_there(folder / "config.yaml"):
        return {key: value for key, value in read_yaml(folder / "config.yaml").items() if key in _KEYS}
    return {}


@on_main
def _shared_config(run: Run, round_index: int) -> RunConfig:
    return config_in(run.config, run.folder, round_index)


@on_main
def _note(run: Run, round_index: int) -> None:
    """Write the settings of a round, and say so where they are not those that are asked for now."""
    path = run.round_folder(round_index) / MADE_WITH
    config = config_in(run.config, run.folder, round_index)
    settings = config.model_dump(mode="json", include=_KEYS)
    if not is_there(path):
        write_json(path, settings)
    for key in (key for key in settings if getattr(config, key) != getattr(run.config, key)):
        _log.info(
            "%s: round %d was begun with %s=%s and ends so; %s holds from the next round on",
            run.name,
            round_index,
            key,
            settings[key],
            getattr(run.config, key),
        )
