"""The configuration of trainings with unlabelled images: which images are labelled, and how the others are used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, PositiveInt, ValidationError, field_validator, model_validator

from a2lc.datasets import DatasetSettings
from a2lc.foundation.errors import InputError
from a2lc.foundation.ids import valid_id
from a2lc.foundation.layers import find_yaml, merge, nearest, parse_overrides, problems_of, read_yaml, told
from a2lc.foundation.settings import EACH_ONCE, Decides, Seeds, Settings, by_name, several
from a2lc.segmentation.consistency.settings import ConsistencySettings
from a2lc.segmentation.settings import NetworkSettings, TrainingSettings

JOB = "semi_supervised"
"""What such a configuration says under `job`."""
TRAININGS = resources.files("a2lc") / "configs" / "semi_supervised"
"""Folder of the built-in trainings; what the methods are is in methods/ below it."""


def _is_split(text: str) -> str:
    """Refuse what is neither a share in (0, 1] nor a number of images."""
    try:
        value = Fraction(text)
    except (ValueError, ZeroDivisionError):
        value = Fraction(0)
    if value <= 0 or (value > 1 and value.denominator > 1):
        raise ValueError(f"'{text}' is no split: expected a share such as 1/8, or a number of images such as 183")
    return text


SplitName = Annotated[str, BeforeValidator(str), AfterValidator(_is_split)]


class PublishedMiou(Settings):
    """What a paper reports, in percent by split, told so that nobody takes it for ours."""

    source: str
    """Paper and table."""
    method: str
    """How it is called there."""
    objective: str = "cross_entropy"
    """Objective, as it is called here."""
    network: str
    """Network, as the paper calls it."""
    backbone: str = ""
    """Shown beside results of this backbone only, a beginning of `network.backbone`; empty = always."""
    crop: int | None = None
    """Shown beside results of this crop only; null = always."""
    miou: dict[str, float]
    """Model mIoU by split; of an adaptation by "all"."""


class SemiSupervisedSettings(Settings):
    """One method, for one or several splits and seeds."""

    experiment: Annotated[str, Decides.OUTPUT]
    """Name of the folders below runs/ and results/."""
    dataset: Annotated[DatasetSettings, BeforeValidator(by_name), Decides.FIRST_NETWORK]
    """Images to learn from and to validate on. Without a `source` some of its training images are the labelled ones."""
    source: Annotated[DatasetSettings | None, BeforeValidator(by_name), Decides.FIRST_NETWORK] = None
    """Another data set, all training images of which are labelled: those of `dataset` are then not. null = none."""
    split: Annotated[tuple[SplitName, ...] | None, *EACH_ONCE[1:], Decides.EXTENT] = None
    """Shares (1/8) or numbers of the training images that are labelled, each a training of its own."""
    labelled: Annotated[Path | None, Decides.FIRST_NETWORK] = None
    """List of the labelled images, one id a line; null = drawn by the seed. With one, `split` only names it."""
    unlabelled: Annotated[Path | None, Decides.FIRST_NETWORK] = None
    """List of the unlabelled images, one id a line; null = all training images of `dataset` that are not labelled."""
    size: Annotated[tuple[PositiveInt, PositiveInt] | None, Decides.FIRST_NETWORK] = None
    """Height and width in which the network sees the images of `dataset`, also in validation; null = their own."""
    source_size: Annotated[tuple[PositiveInt, PositiveInt] | None, Decides.FIRST_NETWORK] = None
    """Height and width of the images of `source` and of their labels; null = their own."""
    evaluated: Annotated[tuple[str, ...] | None, BeforeValidator(several), Decides.FIRST_NETWORK] = None
    """Names of the classes that mIoU is the mean of; null = all that occur."""
    output: Annotated[Path, Decides.OUTPUT] = Path("outputs")
    """Folder of runs/ and results/."""
    method: Annotated[str, Decides.FIRST_NETWORK] = "fixmatch"
    """supervised, fixmatch, unimatch, classmix, mean_teacher, dacs, or several, separated by commas."""
    seeds: Annotated[Seeds, Decides.EXTENT] = (1,)
    """Seeds, each a training of its own."""
    epochs: Annotated[PositiveInt | None, Decides.FIRST_NETWORK] = None
    """Passes over the unlabelled images, instead of training.iterations; null = training.iterations count."""
    device: Annotated[str, Decides.SPEED] = "auto"
    """auto (CUDA when there is one), cpu, cuda, cuda:1, ..."""
    deterministic: Annotated[bool, Decides.SPEED] = False
    """Bitwise reproducible on CUDA, slower; on the CPU it always is."""
    network: Annotated[NetworkSettings, Decides.FIRST_NETWORK] = NetworkSettings()
    """DeepLabV3+."""
    training: Annotated[TrainingSettings, Decides.FIRST_NETWORK] = TrainingSettings()
    """Training of the network; a batch has as many unlabelled images as labelled ones."""
    consistency: Annotated[ConsistencySettings, Decides.FIRST_NETWORK] = ConsistencySettings()
    """What is learned from unlabelled images."""
    published: Annotated[tuple[PublishedMiou, ...], Decides.OUTPUT] = ()
    """What papers report for the same setting, for the tables."""

    @field_validator("experiment")
    @classmethod
    def _a_folder_below_output(cls, experiment: str) -> str:
        return valid_id(experiment, "experiment")

    @model_validator(mode="after")
    def _one_kind_of_labels(self) -> SemiSupervisedSettings:
        if self.source is not None and (self.split or self.labelled):
            raise ValueError(
                "source is set, all images of which are labelled, and so is split or labelled: take one of them out"
            )
        if self.source is None and not self.split:
            raise ValueError(
                "split is not set: give the share of the training images that is labelled, split=1/8, or another data "
                "set that is, source=gta"
            )
        if self.labelled is not None and len(self.split or ()) > 1:
            raise ValueError("labelled is one list, but split names several: give one split for each list")
        if self.training.on_features or self.training.name != TrainingSettings().name:
            raise ValueError(
                "training is on kept features, but strong views need pixels: leave preset and on_features out"
            )
        if self.source is None and self.source_size is not None:
            raise ValueError("source_size is set, but there is no source: use size")
        return self

    @property
    def splits(self) -> tuple[str, ...]:
        """Names of the splits; "all" where a source has all labels."""
        return self.split or ("all",)


def load_training(name_or_path: str, overrides: Sequence[str] = ()) -> list[SemiSupervisedSettings]:
    """Compose the configuration of every method asked for.

    Layers, later ones win: defaults, configs/semi_supervised/methods/<method>.yaml, the named configuration, the
    overrides.

    Args:
        name_or_path: Name of a built-in training (ssl-pascal, uda-gta-cityscapes, …) or a YAML file.
        overrides: "key=value" with dotted keys.

    Returns:
        One configuration per method, in the order asked for.

    Raises:
        InputError: When something is unknown or invalid; every problem is listed.
    """
    named = read_yaml(find_yaml(name_or_path, [TRAININGS]))
    named.pop("job", None)
    top = merge({"experiment": Path(name_or_path).stem, **named}, parse_overrides(overrides))
    problems: list[str] = []
    methods = [str(method) for method in several(top.pop("method", None) or "fixmatch")]
    configs = [_composed(method, top, problems) for method in dict.fromkeys(methods)]
    if problems:
        raise InputError(told(problems, name_or_path))
    return [config for config in configs if config]


def _composed(method: str, top: Mapping[str, Any], problems: list[str]) -> SemiSupervisedSettings | None:
    """The configuration of a method; None where it has problems, which are appended."""
    folder = TRAININGS / "methods"
    known = sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir())
    if method not in known:
        problems.append(f"method is '{method}': expected one of {', '.join(known)}{nearest(method, known)}")
        return None
    try:
        layered = merge(read_yaml(folder / f"{method}.yaml"), top)
        return SemiSupervisedSettings.model_validate({**layered, "method": method})
    except ValidationError as error:
        problems += problems_of(error, SemiSupervisedSettings)
        return None
