"""The configuration of a run: the settings classes of the rooms, composed from layers of YAML."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, ValidationError, field_validator, model_validator

from a2lc.acquisition import AcquisitionSettings
from a2lc.annotators import AnnotatorSettings
from a2lc.datasets import DatasetSettings
from a2lc.foundation.errors import InputError
from a2lc.foundation.ids import valid_id
from a2lc.foundation.layers import explain, merge, nearest, parse_overrides, read_yaml
from a2lc.foundation.settings import Settings
from a2lc.foundation.trees import flatten
from a2lc.labels.store import Undetected
from a2lc.loop import learners as _learners  # noqa: F401 (registers the learners, by whose names a configuration is checked)
from a2lc.posterior import PosteriorSettings
from a2lc.propagation import PropagationSettings
from a2lc.segmentation import NetworkSettings, ScoringSettings, TrainingSettings
from a2lc.segmentation.settings import FREE

_CONFIGS = resources.files("a2lc") / "configs"
_FIDELITIES = ("official", "corrected")  # a configuration may say, under their names, what they mean for its data


class StartSettings(Settings):
    """Where the first labels come from."""

    name: Literal["given", "clicks"] = "given"
    """given: the pseudo-label set has them; clicks: randomly drawn masks are answered, a network learns from the
    answers and labels all others (ALC's R-start)."""
    clicks: int = Field(3000, ge=1)
    """With name=clicks: how many masks are answered, before the budget of the rounds."""


class RunConfig(Settings):
    """One method on one data set, for one or several seeds."""

    experiment: str
    """Name of the folders below runs/ and results/."""
    dataset: DatasetSettings
    """Images and ground truth."""
    pseudo_labels: Path | None = None
    """Pseudo-label set; None = the one that the data set brings along."""
    start: StartSettings = StartSettings()
    """Where the first labels come from."""
    output: Path = Path("outputs")
    """Folder of runs/ and results/."""
    method: str = "a2lc"
    """a2lc, alc, posterior, area, random, or several, separated by commas."""
    seeds: tuple[int, ...] = (1,)
    """Seeds, each a run of its own."""
    rounds: int = Field(5, ge=0)
    """Rounds of correction."""
    budget: int = Field(1000, ge=1)
    """Clicks (masks) per round."""
    inner_batch: int | None = Field(None, ge=1)
    """Clicks after which the answers are learned from within a round; None = the whole budget at once."""
    undetected: Undetected = "none"
    """What an image without detections holds in the research layout of Cityscapes: none (no mask), or mask (one void
    mask, as large as the image)."""
    fidelity: Literal["official", "corrected"] = "corrected"
    """official: every quirk of the official code that changes numbers; corrected: none of them."""
    checkpoint: Literal["best", "last"] = "last"
    """Which weights of a round score the next one: best on the validation images, or the last."""
    device: str = "auto"
    """auto (CUDA when there is one), cpu, cuda, cuda:1, ..."""
    deterministic: bool = False
    """Bitwise reproducible on CUDA, slower; on the CPU it always is."""
    tensorboard: bool = False
    """Whether each training leaves TensorBoard event files in tensorboard/ of its round: loss, learning rate, mIoU,
    example overlays."""
    network: NetworkSettings = NetworkSettings()
    """DeepLabV3+."""
    training: TrainingSettings = TrainingSettings()
    """Training of the network."""
    scoring: ScoringSettings = ScoringSettings()
    """How the network sees an image when its masks are scored."""
    acquisition: AcquisitionSettings = AcquisitionSettings()
    """Which masks are asked about."""
    annotator: AnnotatorSettings = AnnotatorSettings()
    """Who answers."""
    propagation: PropagationSettings = PropagationSettings()
    """What is learned from the answers for masks nobody looked at."""
    posterior: PosteriorSettings = PosteriorSettings()
    """The model of the answers, where acquisition and propagation are posterior."""

    @field_validator("experiment")
    @classmethod
    def _a_folder_below_output(cls, experiment: str) -> str:
        return valid_id(experiment, "experiment")

    @field_validator("seeds", mode="before")
    @classmethod
    def _one_seed(cls, seeds: Any) -> Any:
        return (seeds,) if isinstance(seeds, int) else seeds

    @model_validator(mode="after")
    def _check(self) -> RunConfig:
        thresholds = self.propagation.threshold
        if self.propagation.name == "lcm" and isinstance(thresholds, tuple) and len(thresholds) < self.rounds:
            raise ValueError(
                f"propagation.threshold lists {len(thresholds)} rounds but rounds is {self.rounds}: "
                "give one value per round, or a single one for all"
            )
        if self.acquisition.pool != "masks" and (self.propagation.name != "none" or self.annotator.name == "answers"):
            raise ValueError(
                f"acquisition.pool is {self.acquisition.pool}: pixels are asked of ground truth and teach nothing "
                "about masks; set annotator=ground_truth and propagation=none, or acquisition.pool=masks"
            )
        if (self.acquisition.name == "posterior") != (self.propagation.name == "posterior"):
            raise ValueError("acquisition and propagation must both be posterior, or neither: use method=posterior")
        if self.acquisition.name == "posterior" and self.acquisition.expansion != 0:
            raise ValueError("acquisition is posterior, which learns about whole masks: set acquisition.expansion to 0")
        if not self.training.iterations and not self._works_without_network():
            raise ValueError(
                "training.iterations is 0 but this run needs a network: use method posterior, area or random, "
                "on labels that are given"
            )
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"seeds must be different whole numbers, at least one, got {list(self.seeds)}")
        return self

    def _works_without_network(self) -> bool:
        """Whether neither first labels, nor scores, nor propagation ask for a trained one."""
        by_masks = self.acquisition.name in ("area", "random", "posterior") and self.acquisition.pool == "masks"
        return by_masks and self.propagation.name != "lcm" and self.start.name == "given"

    def difference(self, other: RunConfig, keys: Sequence[str]) -> list[str]:
        """Lines "key: value here -> value there" for what differs under the given top-level keys."""
        mine, theirs = flatten(self.model_dump(mode="json")), flatten(other.model_dump(mode="json"))
        different = [key for key in {**mine, **theirs} if mine.get(key) != theirs.get(key)]
        chosen = sorted(key for key in different if key.split(".")[0] in keys and key not in _FREE)
        return [f"{key}: {mine.get(key)} -> {theirs.get(key)}" for key in chosen]


# what may change between two starts of the same run without changing its result
_FREE = tuple(f"training.{name}" for name in sorted(FREE))


def load_config(name_or_path: str, overrides: Sequence[str] = ()) -> list[RunConfig]:
    """Compose the configuration of every method asked for.

    Layers, later ones win: defaults, configs/fidelity/<fidelity>.yaml, what the named configuration says under
    `official:` or `corrected:`, configs/methods/<method>.yaml, the configuration that the named one gives as its
    `base`, the named one, the overrides.

    Args:
        name_or_path: Name of a built-in configuration (pascal, cityscapes, kvasir, folder, demo) or a YAML file.
        overrides: "key=value" with dotted keys; values are read as YAML.

    Returns:
        One configuration per method, in the order asked for.

    Raises:
        InputError: When something is unknown or invalid; every problem is listed, with the nearest valid name.
    """
    named = read_yaml(_find(name_or_path, _CONFIGS))
    base = read_yaml(_find(str(named.pop("base")), _CONFIGS)) if "base" in named else {}
    top = merge(merge(base, {"experiment": Path(name_or_path).stem, **named}), parse_overrides(overrides))
    of_data = {name: top.pop(name, {}) for name in _FIDELITIES}
    methods = top.pop("method", "a2lc")
    methods = methods.split(",") if isinstance(methods, str) else methods
    name = str(top.get("fidelity", "corrected"))
    fidelity = merge(_layer("fidelity", name), of_data.get(name, {}))
    configs = []
    for method in methods:
        layered = merge(merge(fidelity, _layer("methods", str(method).strip())), top)
        try:
            configs.append(RunConfig.model_validate({**layered, "method": str(method).strip()}))
        except ValidationError as error:
            raise InputError(explain(error, RunConfig, name_or_path)) from None
    return configs


def _find(name_or_path: str, folder: Any) -> Any:
    built_in = folder / f"{name_or_path}.yaml"
    if "/" not in name_or_path and built_in.is_file():
        return built_in
    path = Path(name_or_path)
    if path.is_file():
        return path
    known = [entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml")]
    raise InputError(
        f"no configuration {name_or_path}: give a YAML file or one of {', '.join(sorted(known))}"
        f"{nearest(name_or_path, known)}"
    )


def _layer(kind: str, name: str) -> dict[str, Any]:
    """A layer of configs/<kind>/ by its name."""
    folder = _CONFIGS / kind
    known = sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir())
    if name not in known:
        key = {"methods": "method"}.get(kind, kind)
        raise InputError(f"{key} is '{name}': expected one of {', '.join(known)}{nearest(name, known)}")
    return read_yaml(folder / f"{name}.yaml")


def dump_config(config: RunConfig) -> str:
    """The whole configuration as YAML."""
    text: str = yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False)
    return text
