"""The configuration of a simulation: masks, ground truth, who asks how much."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, field_validator

from a2lc.foundation.errors import InputError
from a2lc.foundation.ids import valid_id
from a2lc.foundation.layers import explain, find_yaml, merge, parse_overrides, read_yaml
from a2lc.foundation.settings import EACH_ONCE, Seeds, Settings
from a2lc.posterior.settings import PosteriorSettings

SIMULATIONS = resources.files("a2lc") / "configs" / "simulations"
"""Folder of the built-in simulations."""
StrategyName = Literal["posterior", "posterior_rounds", "posterior_checked", "area", "random", "perfect"]


class PublishedPoints(Settings):
    """What a paper reports: its source, told so that nobody takes it for ours, and data mIoU in percent by clicks."""

    source: str
    data_miou: dict[int, float]


class SimulationSettings(Settings):
    """An experiment on masks and ground truth alone: no image, no network."""

    experiment: str
    """Name of the folder below results/."""
    pseudo_labels: Path
    """Pseudo-label set."""
    truth: Path
    """Folder of ground-truth PNGs, one per image."""
    ids: Path | None = None
    """List of image ids, one a line; empty = all of the pseudo-label set."""
    classes: str = "pascal"
    """Class list: pascal, cityscapes, toyscapes or a classes.yaml."""
    output: Path = Path("outputs")
    """Folder of results/."""
    images: Literal["all", "development", "held_out"] = "all"
    """Which images: all, or by a hash of the image id two thirds for development or the third held out from it."""
    subsets: int = Field(0, ge=0, le=10_000)
    """Random subsets of the images, each a simulation of its own; 0 = all images at once."""
    subset_share: float = Field(0.2, gt=0, le=1)
    """Share of the images of the data set in each of the subsets."""
    budget: int | None = Field(None, ge=1)
    """Clicks; empty = budget_share of the masks."""
    budget_share: float = Field(0.44, gt=0, le=1)
    """Clicks as a share of the masks, where budget is empty."""
    batch_share: float = Field(0.02, gt=0, le=1)
    """Clicks from one refit to the next, as a share of the budget."""
    rounds: int = Field(5, ge=1, le=1000)
    """Batches of the strategy posterior_rounds."""
    seeds: Seeds = (1, 2, 3)
    """Seeds; they decide about random choices and wrong answers alone."""
    error_rates: Annotated[tuple[Annotated[float, Field(ge=0, lt=1)], ...], *EACH_ONCE] = (0.0,)
    """Shares of wrong answers, in [0, 1): each is a simulation; a wrong answer is any other class."""
    strategies: Annotated[tuple[StrategyName, ...], *EACH_ONCE] = (
        "posterior",
        "posterior_rounds",
        "area",
        "random",
        "perfect",
    )
    """Who chooses the masks: posterior (in batches), posterior_rounds (in rounds), posterior_checked (answers are
    evidence, asked for again where doubtful), area (largest first), random, perfect (knows which labels are wrong)."""
    level: float | None = Field(None, gt=0, le=1)
    """A data mIoU in (0, 1]: the clicks to reach it are reported."""
    checked_error_rate: float = Field(0.05, gt=0, lt=0.5)
    """Share of wrong answers that posterior_checked expects, whatever it is in truth."""
    published: tuple[PublishedPoints, ...] = ()
    """Points for the figure of a run on all images."""
    posterior: PosteriorSettings = PosteriorSettings()
    """The answer posterior."""

    @field_validator("experiment")
    @classmethod
    def _a_folder_below_results(cls, experiment: str) -> str:
        return valid_id(experiment, "experiment")


def load_simulation(name_or_path: str, overrides: Sequence[str]) -> SimulationSettings:
    """Compose a simulation, built-in or a YAML file, with "key=value" overrides.

    Raises:
        InputError: When there is none, or a key is unknown, missing or invalid; every problem is listed.
    """
    named = read_yaml(find_yaml(name_or_path, [SIMULATIONS]))
    named.pop("job", None)
    layer = merge({"experiment": Path(name_or_path).stem, **named}, parse_overrides(overrides))
    try:
        return SimulationSettings.model_validate(layer)
    except ValidationError as error:
        raise InputError(explain(error, SimulationSettings, name_or_path)) from None
