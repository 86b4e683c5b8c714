"""The file of a sweep: which configurations, methods and seeds, and what they have in common."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, field_validator

from a2lc.foundation.errors import InputError
from a2lc.foundation.layers import explain, read_yaml
from a2lc.foundation.settings import Settings


class SweepRun(Settings):
    """One configuration of a sweep: a table of results."""

    config: str
    """Built-in configuration (pascal, cityscapes, ...) or a YAML file."""
    methods: tuple[str, ...] | None = None
    """Methods of this run; empty = those of the sweep."""
    seeds: tuple[int, ...] | None = None
    """Seeds of this run; empty = those of the sweep."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """What differs from the configuration, as on the command line or nested; wins over the settings of the sweep."""

    @field_validator("methods", "seeds", mode="before")
    @classmethod
    def _several(cls, value: Any) -> Any:
        return _listed(value)


class SweepSettings(Settings):
    """A sweep: every run with each of its seeds is a job, which goes through its methods in order."""

    runs: tuple[SweepRun, ...] = Field(min_length=1)
    """The configurations."""
    methods: tuple[str, ...] = ("a2lc",)
    """Methods of all runs, in this order."""
    seeds: tuple[int, ...] = (1,)
    """Seeds of all runs."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """What differs from the configurations in all runs."""
    slurm: dict[str, Any] = Field(default_factory=dict)
    """Parameters of the jobs of a cluster, named as submitit's update_parameters has them: slurm_partition,
    timeout_min, gpus_per_node, cpus_per_task, mem_gb, ..."""

    @field_validator("methods", "seeds", mode="before")
    @classmethod
    def _several(cls, value: Any) -> Any:
        return _listed(value)


def load_sweep(path: Path) -> SweepSettings:
    """Read the file of a sweep.

    Raises:
        InputError: When it cannot be read, or something in it is unknown, missing or invalid; every problem is listed.
    """
    try:
        return SweepSettings.model_validate(read_yaml(path))
    except ValidationError as error:
        raise InputError(explain(error, SweepSettings, str(path))) from None


def _listed(value: Any) -> Any:
    value = [part.strip() for part in value.split(",")] if isinstance(value, str) else value
    return value if value is None or isinstance(value, Sequence) else (value,)
