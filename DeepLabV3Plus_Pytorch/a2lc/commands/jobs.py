"""What a configuration may describe: rounds of correction, a simulation, a training with unlabelled images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Protocol

import yaml
from pydantic import BaseModel

from a2lc.commands.options import RunOptions
from a2lc.commands.request import Request
from a2lc.foundation.layers import find_yaml, merge, parse_overrides, read_yaml
from a2lc.foundation.registry import Registry
from a2lc.loop.config import JOB as CORRECTION
from a2lc.loop.config import RunConfig, compose, show_config
from a2lc.semi_supervised.settings import JOB as SEMI_SUPERVISED
from a2lc.semi_supervised.settings import TRAININGS, SemiSupervisedSettings, load_training
from a2lc.simulation.settings import SIMULATIONS, SimulationSettings, load_simulation


class Job(Protocol):
    """What `a2lc run` does with configurations of one kind; `job: <name>` in a file says that it is of that kind."""

    @property
    def folder(self) -> Any:
        """Folder of the built-in configurations of this kind, a package resource."""
        ...

    @property
    def settings(self) -> type[BaseModel]:
        """Which keys there are."""
        ...

    def shown(self, request: Request[RunOptions]) -> str:
        """The composed configuration as YAML. Raises InputError when it is not valid."""
        ...

    def given(self, request: Request[RunOptions]) -> Mapping[str, Any]:
        """What the configuration and its settings say, not validated. Raises InputError when there is none."""
        ...

    def run(self, request: Request[RunOptions]) -> None:
        """Do it, and show the tables. Raises InputError when the configuration or the data are unfit."""
        ...


class Correction:
    """The loop; fulfils `Job`."""

    folder = resources.files("a2lc") / "configs"
    settings = RunConfig

    def shown(self, request: Request[RunOptions]) -> str:
        """A document for each method; see `Job`."""
        layered, _ = compose(request.config_name(), request.settings)
        pairs = zip(request.configs(), layered, strict=True)
        return "---\n".join(show_config(config, layers) for config, layers in pairs)

    def given(self, request: Request[RunOptions]) -> Mapping[str, Any]:
        """Of the first method; see `Job`."""
        first = compose(request.config_name(), request.settings)[0][0]
        return {**first.merged(), "method": first.method}

    def run(self, request: Request[RunOptions]) -> None:
        """All rounds of every seed and method; see `Job`."""
        configs = request.configs()
        from a2lc.commands.correction import correct_labels  # computes: loaded when the configuration is valid

        correct_labels(request, configs)


class Simulation:
    """A campaign on masks and ground truth alone; fulfils `Job`."""

    folder = SIMULATIONS
    settings = SimulationSettings

    def shown(self, request: Request[RunOptions]) -> str:
        """Its settings; see `Job`."""
        return _yaml(load_simulation(request.config_name(), request.settings))

    def given(self, request: Request[RunOptions]) -> Mapping[str, Any]:
        """See `Job`."""
        return _given(request, self.folder)

    def run(self, request: Request[RunOptions]) -> None:
        """Simulate; see `Job`."""
        settings = load_simulation(request.config_name(), request.settings)
        from a2lc.commands.simulated import simulate

        simulate(request, settings)


class SemiSupervised:
    """Trainings with labelled and unlabelled images; fulfils `Job`."""

    folder = TRAININGS
    settings = SemiSupervisedSettings

    def shown(self, request: Request[RunOptions]) -> str:
        """A document for each method; see `Job`."""
        return "---\n".join(map(_yaml, load_training(request.config_name(), request.settings)))

    def given(self, request: Request[RunOptions]) -> Mapping[str, Any]:
        """See `Job`."""
        return _given(request, self.folder)

    def run(self, request: Request[RunOptions]) -> None:
        """Train for every method, split and seed; see `Job`."""
        methods = load_training(request.config_name(), request.settings)
        from a2lc.commands.trained import train_all

        train_all(request, methods)


JOBS: Registry[Job] = Registry("jobs")
JOBS.register(CORRECTION, Correction())
JOBS.register("simulation", Simulation())
JOBS.register(SEMI_SUPERVISED, SemiSupervised())


def job_of(name_or_path: str | None) -> Job:
    """The kind of a configuration; of none, and of a file that does not say, the loop.

    Raises:
        InputError: When there is no such configuration, or its kind is unknown.
    """
    if name_or_path is None:
        return JOBS[CORRECTION]
    source = find_yaml(name_or_path, [job.folder for job in _jobs()])
    declared = [job for job in _jobs() if source == job.folder / f"{name_or_path}.yaml"]
    return declared[0] if declared else JOBS[str(read_yaml(source).get("job", CORRECTION))]


def _jobs() -> Iterator[Job]:
    return (JOBS[name] for name in JOBS.names())


def _given(request: Request[RunOptions], folder: Any) -> Mapping[str, Any]:
    named = read_yaml(find_yaml(request.config_name(), [folder]))
    return merge({"experiment": Path(request.config_name()).stem, **named}, parse_overrides(request.settings))


def _yaml(settings: BaseModel) -> str:
    text: str = yaml.safe_dump(settings.model_dump(mode="json"), sort_keys=False)
    return text
