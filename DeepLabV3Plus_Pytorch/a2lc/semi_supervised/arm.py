"""One training: a method, a split and a seed, and the folder of what comes out."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from a2lc.datasets import Dataset
from a2lc.foundation.claims import ClaimKind
from a2lc.foundation.files import write_text
from a2lc.foundation.layers import read_yaml
from a2lc.foundation.processes import Processes, on_main
from a2lc.foundation.settings import Decides, difference
from a2lc.semi_supervised.settings import SemiSupervisedSettings

if TYPE_CHECKING:
    import torch

METRICS = "metrics.json"
_DECIDING = frozenset({Decides.FIRST_NETWORK})


@dataclass(frozen=True)
class Arm:
    """One method on one split with one seed.

    The folder is `<output>/runs/<experiment>/seed<k>/<name>/` with config.yaml, training.pt while it trains, then
    best.safetensors, last.safetensors, training.json and metrics.json.

    Attributes:
        settings: The configuration of the method.
        split: Which images are labelled.
        seed: Decides all that is random.
        dataset: Images to learn from and to validate on.
        source: Where the labelled images are; None = in `dataset`.
        device: Where to compute.
        processes: Those that train together.
    """

    settings: SemiSupervisedSettings
    split: str
    seed: int
    dataset: Dataset
    source: Dataset | None
    device: torch.device
    processes: Processes = field(default_factory=Processes)

    @property
    def name(self) -> str:
        """Method, objective, backbone, crop and split, as a folder is called."""
        training = self.settings.training
        crop = "x".join(str(side) for side in dict.fromkeys(training.crop))
        split = self.split.replace("/", "of")
        backbone = self.settings.network.backbone.replace("/", "-")
        return "_".join((self.settings.method, training.objective, backbone, crop, split))

    @property
    def description(self) -> str:
        """How the arm is called in messages."""
        return f"{self.settings.experiment}, seed {self.seed}, {self.settings.method}, split {self.split}"

    @property
    def folder(self) -> Path:
        """Folder of the arm."""
        return self.settings.output / "runs" / self.settings.experiment / f"seed{self.seed}" / self.name

    @on_main
    def has(self, name: str) -> bool:
        """Whether the main process finds a file of this name in the folder; to be asked by all processes together."""
        return (self.folder / name).exists()

    def claim(self) -> None:
        """Write config.yaml into the folder, or compare with the one that is there.

        Raises:
            InputError: When the folder was made with other settings, or by something else.
        """
        _CLAIM.claim(self.folder, self.settings)


_CLAIM = ClaimKind(
    name="config.yaml",
    read=lambda path: SemiSupervisedSettings.model_validate(read_yaml(path)),
    write=lambda path, settings: write_text(path, yaml.safe_dump(settings.model_dump(mode="json"), sort_keys=False)),
    difference=lambda earlier, now: difference(earlier, now, _DECIDING),
    own=("log.txt",),
    foreign="{folder} holds files but no config.yaml, so no training made it; nothing was changed: set another "
    "experiment=<name> or output=<folder>",
    damaged="{path} is not a configuration of this version: choose another experiment ({error})",
    other="{folder} was made with another configuration; nothing was changed:\n{lines}\n"
    "continue with the earlier values, or start anew with experiment=<name> or output=<folder>",
)
