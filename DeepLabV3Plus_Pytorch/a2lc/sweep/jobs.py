"""The jobs of a sweep: a configuration and a seed each, run by the command line."""

from __future__ import annotations

import json
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from a2lc.foundation.errors import refuse
from a2lc.foundation.files import write_text
from a2lc.loop.config import RunConfig, load_config
from a2lc.sweep.settings import SweepRun, SweepSettings


@dataclass(frozen=True)
class Job:
    """All methods of one configuration with one seed, which share their first network and work on one folder.

    Attributes:
        name: Experiment and seed; every job of a sweep has another one.
        arguments: What follows `a2lc` on the command line.
        seed_folder: Where its runs are.
        log: File that gets what the job prints.
    """

    name: str
    arguments: tuple[str, ...]
    seed_folder: Path
    log: Path

    @property
    def command(self) -> str:
        """The job as a command line."""
        return shlex.join(["a2lc", *self.arguments])

    @property
    def is_done(self) -> bool:
        """Whether this very command has ended well, and what it made is still there."""
        marker = self._marker
        return self.seed_folder.exists() and marker.exists() and marker.read_text(encoding="utf-8") == self.command

    def mark_done(self) -> None:
        """Remember that the job has ended well."""
        write_text(self._marker, self.command)

    @property
    def _marker(self) -> Path:
        return self.log.with_suffix(".done")


def jobs_of(sweep: SweepSettings, name: str, overrides: Sequence[str] = ()) -> list[Job]:
    """The jobs of a sweep, run by run, seed by seed.

    Args:
        sweep: What to run.
        name: Name of the sweep, for the folder of its logs: <output>/sweeps/<name>/.
        overrides: "key=value" for all jobs; they win.

    Raises:
        InputError: When a configuration is invalid, or two jobs would work on one folder.
    """
    jobs = [
        _job(run, config, name, settings, seed)
        for run, config, settings in composed(sweep, overrides)
        for seed in config.seeds
    ]
    folders = Counter(job.seed_folder.resolve() for job in jobs)
    twice = [f"{folder}: set settings.experiment in one of its runs" for folder, count in folders.items() if count > 1]
    refuse("runs of the sweep work on the same folders", twice)
    return jobs


def composed(
    sweep: SweepSettings, overrides: Sequence[str] = ()
) -> Iterator[tuple[SweepRun, RunConfig, tuple[str, ...]]]:
    """Each run with its configuration (that of its first method) and its settings of all methods and seeds."""
    for run in sweep.runs:
        methods = run.methods or sweep.methods
        seeds = run.seeds or sweep.seeds
        of_run = {**dict(flat(sweep.settings)), **dict(flat(run.settings))}
        given = [*(f"{key}={value}" for key, value in of_run.items()), f"method={','.join(methods)}"]
        settings = (*given, f"seeds={','.join(map(str, seeds))}", *overrides)
        yield run, load_config(run.config, settings)[0], settings


def flat(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Nested settings as pairs of dotted key and text, as on the command line."""
    for key, value in settings.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", _text(value)


def _text(value: Any) -> str:
    """The value as the command line reads it: text that is read as itself plainly, everything else as JSON."""
    if isinstance(value, Path):
        value = str(value)
    try:
        if isinstance(value, str) and yaml.safe_load(value) == value:
            return value
    except yaml.YAMLError:
        pass
    return json.dumps(value, ensure_ascii=False)


def _job(run: SweepRun, config: RunConfig, sweep_name: str, settings: tuple[str, ...], seed: int) -> Job:
    folder = config.output / "runs" / config.experiment / f"seed{seed}"
    log = config.output / "sweeps" / sweep_name / f"{config.experiment}_seed{seed}.log"
    return Job(
        name=f"{config.experiment}, seed {seed}",
        arguments=("run", run.config, *settings, f"seeds={seed}"),
        seed_folder=folder,
        log=log,
    )
