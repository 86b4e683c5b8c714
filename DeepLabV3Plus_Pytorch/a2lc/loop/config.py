"""The configuration of a run: the settings classes of the rooms, composed from layers of YAML."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BeforeValidator, Field, field_validator, model_validator

from a2lc.acquisition.registry import ACQUISITIONS
from a2lc.acquisition.settings import AcquisitionSettings
from a2lc.annotators.registry import ANNOTATORS
from a2lc.annotators.settings import AnnotatorSettings
from a2lc.datasets import DatasetSettings
from a2lc.foundation.errors import InputError
from a2lc.foundation.ids import valid_id
from a2lc.foundation.layered import Layer, Layered, commented
from a2lc.foundation.layers import find_yaml, merge, nearest, parse_overrides, problems_in, read_yaml, told
from a2lc.foundation.registry import Needs
from a2lc.foundation.settings import Decides, Seeds, Settings, by_name, difference, several
from a2lc.labels.store import Undetected
from a2lc.loop.learners import LEARNERS
from a2lc.posterior.settings import PosteriorSettings
from a2lc.propagation.settings import PropagationSettings
from a2lc.segmentation.settings import NetworkSettings, ScoringSettings, TrainingSettings

JOB = "correction"
"""What a configuration of the loop may say under `job`."""
_CONFIGS = resources.files("a2lc") / "configs"
_MOST_BATCHES = 100_000  # of questions in a round
_COMMAND_LINE = "command line"
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

    experiment: Annotated[str, Decides.OUTPUT]
    """Name of the folders below runs/ and results/."""
    dataset: Annotated[DatasetSettings, BeforeValidator(by_name), Decides.FIRST_NETWORK]
    """Images and ground truth."""
    pseudo_labels: Annotated[Path | None, Decides.FIRST_NETWORK, Decides.SOURCE] = None
    """Pseudo-label set; None = the one that the data set brings along."""
    start: Annotated[StartSettings, Decides.FIRST_NETWORK] = StartSettings()
    """Where the first labels come from."""
    output: Annotated[Path, Decides.OUTPUT] = Path("outputs")
    """Folder of runs/ and results/."""
    method: Annotated[str, Decides.ROUNDS] = "a2lc"
    """a2lc, alc, posterior, area, random, or several, separated by commas."""
    seeds: Annotated[Seeds, Decides.EXTENT] = (1,)
    """Seeds, each a run of its own."""
    rounds: Annotated[int, Decides.EXTENT] = Field(5, ge=0, le=1000)
    """Rounds of correction."""
    budget: Annotated[int, Decides.NEXT_ROUNDS] = Field(1000, ge=1, le=10**9)
    """Clicks (masks) per round; on a run that is begun another one holds from the next round on."""
    inner_batch: Annotated[int | None, Decides.NEXT_ROUNDS] = Field(None, ge=1)
    """Clicks after which the answers are learned from within a round; None = the whole budget at once."""
    undetected: Annotated[Undetected, Decides.MASKS] = "none"
    """What an image without detections holds in the research layout of Cityscapes: none (no mask), or mask (one void
    mask, as large as the image)."""
    fidelity: Annotated[Literal["official", "corrected"], Decides.LAYERS] = "corrected"
    """official: every quirk of the official code that changes numbers; corrected: none of them."""
    checkpoint: Annotated[Literal["best", "last"], Decides.ROUNDS] = "last"
    """Which weights of a round score the next one: best on the validation images, or the last."""
    device: Annotated[str, Decides.SPEED] = "auto"
    """auto (CUDA when there is one), cpu, cuda, cuda:1, ..."""
    deterministic: Annotated[bool, Decides.SPEED] = False
    """Bitwise reproducible on CUDA, slower; on the CPU it always is."""
    tensorboard: Annotated[bool, Decides.SPEED] = False
    """Whether each training leaves TensorBoard event files in tensorboard/ of its round: loss, learning rate, mIoU,
    example overlays."""
    network: Annotated[NetworkSettings, Decides.FIRST_NETWORK] = NetworkSettings()
    """DeepLabV3+."""
    training: Annotated[TrainingSettings, Decides.FIRST_NETWORK] = TrainingSettings()
    """Training of the network."""
    scoring: Annotated[ScoringSettings, Decides.ROUNDS] = ScoringSettings()
    """How the network sees an image when its masks are scored."""
    acquisition: Annotated[AcquisitionSettings, Decides.ROUNDS] = AcquisitionSettings()
    """Which masks are asked about."""
    annotator: Annotated[AnnotatorSettings, Decides.ROUNDS] = AnnotatorSettings()
    """Who answers."""
    propagation: Annotated[PropagationSettings, Decides.ROUNDS] = PropagationSettings()
    """What is learned from the answers for masks nobody looked at."""
    posterior: Annotated[PosteriorSettings, Decides.ROUNDS] = PosteriorSettings()
    """The model of the answers, where acquisition and propagation are posterior."""

    @field_validator("experiment")
    @classmethod
    def _a_folder_below_output(cls, experiment: str) -> str:
        return valid_id(experiment, "experiment")

    @model_validator(mode="after")
    def _check(self) -> RunConfig:
        thresholds = self.propagation.threshold
        if self.propagation.name == "lcm" and isinstance(thresholds, tuple) and len(thresholds) < self.rounds:
            raise ValueError(
                f"propagation.threshold lists {len(thresholds)} rounds but rounds is {self.rounds}: "
                "give one value per round, or a single one for all"
            )
        about_masks = (_propagation_needs(self.propagation), _annotator_needs(self.annotator))
        if self.acquisition.pool != "masks" and any(need.whole_masks for need in about_masks):
            raise ValueError(
                f"acquisition.pool is {self.acquisition.pool}: pixels are asked of ground truth and teach nothing "
                "about masks; set annotator=ground_truth and propagation=none, or acquisition.pool=masks"
            )
        if ACQUISITIONS[self.acquisition.name].by_learner != LEARNERS[self.propagation.name].orders:
            raise ValueError(
                f"acquisition is {self.acquisition.name} and propagation is {self.propagation.name}: both must leave "
                "the order of the questions to the learner (posterior), or neither; use method=posterior"
            )
        if _acquisition_needs(self.acquisition).whole_masks and self.acquisition.expansion != 0:
            raise ValueError(
                f"acquisition is {self.acquisition.name}, which learns about whole masks: "
                "set acquisition.expansion to 0"
            )
        if not self.training.iterations and not self._works_without_network():
            raise ValueError(
                "training.iterations is 0 but this run needs a network: use method posterior, area or random, "
                "on labels that are given"
            )
        if self.training.on_features and not self.network.frozen:
            raise ValueError(
                "training.on_features is true, but features of a backbone that learns change: set network.frozen=true, "
                "or training=frozen for the whole preset"
            )
        if self.inner_batch is not None and self.budget / self.inner_batch > _MOST_BATCHES:
            raise ValueError(
                f"budget is {self.budget} and inner_batch is {self.inner_batch}: more than {_MOST_BATCHES:,} batches "
                "in a round; set a larger inner_batch or a smaller budget"
            )
        return self

    @property
    def needs_ground_truth(self) -> bool:
        """Whether the annotator reads the ground truth of the training images."""
        return _annotator_needs(self.annotator).ground_truth

    def _works_without_network(self) -> bool:
        """Whether neither first labels, nor scores, nor propagation ask for a trained one."""
        needs = (_acquisition_needs(self.acquisition), _propagation_needs(self.propagation))
        return self.start.name == "given" and not any(need.network for need in needs)

    def difference(self, other: RunConfig, marks: Collection[Decides]) -> list[str]:
        """Lines "key: value here -> value there" for the keys that differ and decide about one of these."""
        return difference(self, other, marks)


def _acquisition_needs(settings: AcquisitionSettings) -> Needs:
    """What the scores need: those of pixels are made of a network's probabilities, whatever the acquisition."""
    needs = ACQUISITIONS[settings.name].needs
    return replace(needs, network=needs.network or settings.pool != "masks")


def _propagation_needs(settings: PropagationSettings) -> Needs:
    return LEARNERS[settings.name].needs


def _annotator_needs(settings: AnnotatorSettings) -> Needs:
    return ANNOTATORS[settings.name].needs


def load_config(name_or_path: str, overrides: Sequence[str] = ()) -> list[RunConfig]:
    """Compose the configuration of every method asked for.

    Layers, later ones win: defaults, configs/fidelity/<fidelity>.yaml, what the named configuration says under
    `official:` or `corrected:`, configs/methods/<method>.yaml, the configuration that the named one gives as its
    `base`, the named one, the overrides. A preset of network and training (`training: frozen`, or training=frozen) is
    configs/training/<preset>.yaml; it lies just below the layer that names it: above the named configuration and below
    the overrides, or above its base and below its own keys. Of several the last one counts.

    Args:
        name_or_path: Name of a built-in configuration (pascal, cityscapes, kvasir, folder, demo) or a YAML file.
        overrides: "key=value" with dotted keys; values are read as YAML.

    Returns:
        One configuration per method, in the order asked for.

    Raises:
        InputError: When something is unknown or invalid; every problem is listed, with the nearest valid name.
    """
    composed, problems = compose(name_or_path, overrides)
    configs = []
    for layered in composed:
        content = {**layered.merged(), "method": layered.method}
        found = problems_in(content, RunConfig)
        problems += found
        configs += [] if found else [RunConfig.model_validate(content)]
    if problems:
        raise InputError(told(problems, name_or_path))
    return configs


def compose(name_or_path: str, overrides: Sequence[str] = ()) -> tuple[list[Layered], list[str]]:
    """The layers of every method asked for, see `load_config`, not validated yet; and what is wrong with their names.

    Raises:
        InputError: When there is no such configuration, or it is of another kind of job.
    """
    named = read_yaml(find_yaml(name_or_path, [_CONFIGS]))
    if named.pop("job", JOB) != JOB:
        raise InputError(f"{name_or_path} is no configuration of rounds of correction: a2lc run alone takes it")
    below = _base(named.pop("base"), name_or_path) if "base" in named else None
    base = read_yaml(find_yaml(below, [_CONFIGS])) if below is not None else {}
    problems: list[str] = []
    own = {"experiment": Path(name_or_path).stem, **named}
    given = [
        Layer(_file(below or ""), base),
        Layer(_file(name_or_path), own),
        Layer(_COMMAND_LINE, parse_overrides(overrides)),
    ]
    layers = _with_preset(given, problems)
    top: dict[str, Any] = functools.reduce(merge, (layer.content for layer in layers), {})
    name = str(top.get("fidelity", "corrected"))
    fidelity = (
        Layer(f"fidelity/{name}.yaml", _layer("fidelity", name, problems)),
        Layer(f"{_file(name_or_path)}, {name}", _mapping(top.get(name), name, problems)),
    )
    return [
        Layered(
            method,
            (
                *fidelity,
                Layer(f"methods/{method}.yaml", _layer("methods", method, problems)),
                *(layer.without(*_FIDELITIES) for layer in layers),
            ),
        )
        for method in _methods(top.get("method", "a2lc"), problems)
    ], problems


def _file(name_or_path: str) -> str:
    """How the file of a configuration is called."""
    return name_or_path if Path(name_or_path).suffix else f"{name_or_path}.yaml"


def _base(given: Any, source: str) -> str:
    """What a configuration is based on."""
    if not isinstance(given, str):
        raise InputError(f"{source}: base is {given!r}: expected the name of a configuration, or the path of one")
    return given


def _with_preset(layers: Sequence[Layer], problems: list[str]) -> list[Layer]:
    """The layers with the preset that the last of them names, just below it."""
    named = [_preset_of(layer.content) for layer in layers]
    naming = [place for place, name in enumerate(named) if name is not None]
    if not naming:
        return list(layers)
    name = str(named[naming[-1]])
    preset = Layer(f"training/{name}.yaml", _layer("training", name, problems))
    return [*layers[: naming[-1]], preset, *layers[naming[-1] :]]


def _preset_of(layer: Mapping[str, Any]) -> Any:
    """The preset that a layer of configuration names; None = none."""
    training = by_name(layer.get("training"))
    return training.get("name") if isinstance(training, Mapping) else None


def _methods(given: Any, problems: list[str]) -> list[str]:
    """The names of the methods asked for; what is wrong with them is appended to `problems`."""
    names = ["" if name is None else str(name) for name in several(given) or [None]]
    if "" in names:
        problems.append("method is empty: give one or several, for example method=a2lc,alc")
    twice = [name for name, count in Counter(names).items() if name and count > 1]
    problems += [f"method names {name} twice: each runs once, remove one" for name in twice]
    return [name for name in dict.fromkeys(names) if name] or ["a2lc"]


def _mapping(layer: Any, name: str, problems: list[str]) -> dict[str, Any]:
    """What a configuration says under the name of a fidelity."""
    if layer and not isinstance(layer, dict):
        problems.append(f"{name} is {layer!r}: expected keys and values")
        return {}
    return layer or {}


def _layer(kind: str, name: str, problems: list[str]) -> dict[str, Any]:
    """A layer of configs/<kind>/ by its name; an empty one where there is none, which is appended to `problems`."""
    folder = _CONFIGS / kind
    known = sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir())
    if name not in known:
        key = {"methods": "method"}.get(kind, kind)
        problems.append(f"{key} is '{name}': expected one of {', '.join(known)}{nearest(name, known)}")
        return {}
    return read_yaml(folder / f"{name}.yaml")


def show_config(config: RunConfig, layered: Layered) -> str:
    """The whole configuration as YAML, with the layer of each value as a comment behind it."""
    return "\n".join(commented(config.model_dump(mode="json"), layered)) + "\n"


def dump_config(config: RunConfig) -> str:
    """The whole configuration as YAML."""
    text: str = yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False)
    return text
