"""The settings of a generation: those of the rooms, composed from layers of YAML."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, ValidationError

from a2lc.datasets import DatasetSettings
from a2lc.foundation.errors import InputError
from a2lc.foundation.layers import explain, merge, nearest, parse_overrides, read_yaml
from a2lc.foundation.settings import Settings
from grounded_sam.backends import DetectorSettings, SegmenterSettings
from grounded_sam.detections import FilterSettings

_CONFIGS = resources.files("grounded_sam") / "configs"


class GenerateSettings(Settings):
    """From the training images of a data set to its pseudo-label set."""

    dataset: DatasetSettings
    """Images and classes."""
    output: Path | None = None
    """Folder of the pseudo-label set; None = pseudo_labels in the folder of the data set."""
    batch_size: int = Field(1, ge=1)
    """Images that the detector sees at once; the papers' is 1. Larger batches change scores by rounding."""
    limit: int | None = Field(None, ge=1)
    """Label only the first images, to see what comes out; a later call without it continues."""
    device: str = "auto"
    """auto (CUDA when there is one), cpu, cuda, cuda:1, ..."""
    detector: DetectorSettings = DetectorSettings()
    """From images and phrases to boxes."""
    segmenter: SegmenterSettings = SegmenterSettings()
    """From boxes to masks."""
    filters: FilterSettings = FilterSettings()
    """Which boxes and masks are kept."""

    @property
    def target(self) -> Path:
        """Folder of the pseudo-label set."""
        return self.dataset.root / "pseudo_labels" if self.output is None else self.output


def load_settings(name_or_path: str, overrides: Sequence[str] = ()) -> GenerateSettings:
    """Compose the settings: defaults, the configuration named as `base`, the named one, the overrides; later ones win.

    Args:
        name_or_path: Name of a built-in configuration (pascal, cityscapes, folder) or path of a YAML file.
        overrides: "key=value" with dotted keys; values are read as YAML.

    Raises:
        InputError: When something is unknown or invalid; every problem is listed, with the nearest valid name.
    """
    named = _read(name_or_path)
    base = _read(str(named.pop("base"))) if "base" in named else {}
    layered = merge(merge(base, named), parse_overrides(overrides))
    try:
        return GenerateSettings.model_validate(layered)
    except ValidationError as error:
        raise InputError(explain(error, GenerateSettings, name_or_path)) from None


def _read(name_or_path: str) -> dict[str, Any]:
    """The settings of a built-in configuration or a YAML file. Raises InputError when there is none."""
    known = sorted(entry.name.removesuffix(".yaml") for entry in _CONFIGS.iterdir())
    if name_or_path in known:
        return read_yaml(_CONFIGS / f"{name_or_path}.yaml")
    if os.path.isfile(name_or_path):  # noqa: PTH113  a name too long is no file
        return read_yaml(Path(name_or_path))
    raise InputError(
        f"no configuration {name_or_path}: give a YAML file or one of {', '.join(known)}{nearest(name_or_path, known)}"
    )


def dump_settings(settings: GenerateSettings) -> str:
    """All settings as YAML."""
    text: str = yaml.safe_dump(settings.model_dump(mode="json"), sort_keys=False)
    return text
