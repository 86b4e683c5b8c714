"""The file of a sweep: which configurations, methods and seeds, and what they have in common."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError

from a2lc.foundation.errors import InputError
from a2lc.foundation.layers import explain, read_yaml
from a2lc.foundation.settings import Seeds, Settings, several


class SweepRun(Settings):
    """One configuration of a sweep: a table of results."""

    config: str
    """Built-in configuration (pascal, cityscapes, ...) or a YAML file."""
    methods: Annotated[tuple[str, ...] | None, BeforeValidator(several)] = None
    """Methods of this run; empty = those of the sweep."""
    seeds: Seeds | None = None
    """Seeds of this run; empty = those of the sweep."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """What differs from the configuration, as on the command line or nested; wins over the settings of the sweep."""


class SweepSettings(Settings):
    """A sweep: every run with each of its seeds is a job, which goes through its methods in order."""

    runs: tuple[SweepRun, ...] = Field(min_length=1)
    """The configurations."""
    methods: Annotated[tuple[str, ...], BeforeValidator(several)] = ("a2lc",)
    """Methods of all runs, in this order."""
    seeds: Seeds = (1,)
    """Seeds of all runs."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """What differs from the configurations in all runs."""
    slurm: dict[str, Any] = Field(default_factory=dict)
    """Parameters of the jobs of a cluster, named as submitit's update_parameters has them: slurm_partition,
    timeout_min, gpus_per_node, cpus_per_task, mem_gb, ..."""


def load_sweep(path: Path) -> SweepSettings:
    """Read the file of a sweep.

    Raises:
        InputError: When it cannot be read, or something in it is unknown, missing or invalid; every problem is listed.
    """
    try:
        return SweepSettings.model_validate(read_yaml(path))
    except ValidationError as error:
        raise InputError(explain(error, SweepSettings, str(path))) from None
