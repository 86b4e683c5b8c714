"""One audit: what is audited, how, and the folder it leaves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from a2lc.annotators import read_queue
from a2lc.audit.labels import Survey, open_labels, survey
from a2lc.audit.settings import AuditSettings
from a2lc.datasets import Dataset, open_dataset
from a2lc.foundation.devices import choose_device
from a2lc.foundation.errors import InputError
from a2lc.foundation.files import read_json, write_json, write_text
from a2lc.foundation.layers import read_yaml
from a2lc.foundation.locks import held
from a2lc.foundation.settings import Decides
from a2lc.labels.base import LabelSource
from a2lc.loop.config import RunConfig, dump_config

_TRAINED_WITH = ("dataset", "network", "training")  # what decides about the networks, beside labels, seed and folds


@dataclass(frozen=True)
class Audit:
    """Labels of the training images of a data set, and how they are audited.

    Attributes:
        config: Data, network and training; its first seed and its budget count too.
        settings: What is a mask, and how suspicion is measured.
        dataset: The images.
        labels: What is audited.
        survey: What the labels hold.
        device: Where to compute.
        folder: Where everything goes.
    """

    config: RunConfig
    settings: AuditSettings
    dataset: Dataset
    labels: LabelSource
    survey: Survey
    device: torch.device
    folder: Path

    @property
    def seed(self) -> int:
        """The first seed of the configuration."""
        return self.config.seeds[0]

    @property
    def pseudo_labels(self) -> Path:
        """The audited labels and their masks as a pseudo-label set."""
        return self.folder / "pseudo_labels"

    @property
    def queue(self) -> Path:
        """The questions to people."""
        return self.folder / "queue.csv"

    @property
    def report(self) -> Path:
        """The page to look at."""
        return self.folder / "report.html"

    @property
    def is_done(self) -> bool:
        """Whether everything has been written."""
        return (self.folder / "DONE").exists()

    def fold_folder(self, fold: int) -> Path:
        """Folder of the network that judges the images of a fold."""
        return self.folder / f"fold_{fold}"

    def weights_path(self, fold: int) -> Path:
        """Checkpoint of that network."""
        return self.fold_folder(fold) / "last.safetensors"


def open_audit(config: RunConfig, settings: AuditSettings, labels: Path | None, folder: Path | None) -> Audit:
    """Open the data, look at every label map, and choose the device.

    Args:
        config: Data, network, training, seed, budget.
        settings: What is a mask, and how suspicion is measured.
        labels: Folder of the labels; None = the data set's ground truth.
        folder: Where everything goes; None = `<output>/audits/<experiment>`.

    Raises:
        InputError: When images or labels are missing or do not fit each other; every problem is listed.
    """
    dataset = open_dataset(config.dataset)
    source = open_labels(dataset, labels)
    surveyed = survey(dataset, source)
    device = choose_device(config.device, config.deterministic)
    target = folder or config.output / "audits" / config.experiment
    return Audit(config, settings, dataset, source, surveyed, device, target)


@contextmanager
def claimed(audit: Audit) -> Iterator[None]:
    """Hold the folder against a second process, and compare with what was begun there.

    Raises:
        InputError: When another process works there, or other networks are needed than those the folder holds.
    """
    with held(audit.folder):
        _claim(audit)
        yield


def _claim(audit: Audit) -> None:
    """Write config.yaml and audit.json, or compare with those that are there."""
    config, record = audit.folder / "config.yaml", audit.folder / "audit.json"
    if record.exists():
        _compare(audit, _read_config(config), read_json(record))
    elif not config.exists() and any(audit.folder.glob("[!.]*")):
        raise InputError(f"{audit.folder} is not empty: choose a new folder with --to, nothing is overwritten")
    write_text(config, dump_config(audit.config))
    write_json(record, _record(audit))


def _read_config(path: Path) -> RunConfig:
    try:
        return RunConfig.model_validate(read_yaml(path))
    except ValueError as error:
        raise InputError(f"{path} is not a configuration of this version: choose another --to ({error})") from None


def _record(audit: Audit) -> dict[str, Any]:
    about = {"labels": audit.survey.digest, "seed": audit.seed, "budget": audit.config.budget}
    return {**audit.settings.model_dump(mode="json"), **about}


def _compare(audit: Audit, config: RunConfig, earlier: dict[str, Any]) -> None:
    """Refuse other networks; with other masks or another score, all but the networks is made again."""
    changes = {key: value for key, value in _record(audit).items() if earlier.get(key) != value}
    lines = config.difference(audit.config, {Decides.FIRST_NETWORK})
    lines = [line for line in lines if line.split(".")[0] in _TRAINED_WITH]
    lines += [f"{key}: {earlier.get(key)} -> {changes[key]}" for key in ("folds", "seed") if key in changes]
    lines += ["the labels or the list of images have changed"] * ("labels" in changes)
    if lines:
        listed = "\n".join(f"  - {line}" for line in lines)
        raise InputError(
            f"{audit.folder} holds the networks of another audit; nothing was changed:\n{listed}\n"
            "continue with the earlier values, or start a new audit with --to <folder>"
        )
    if not changes:
        return
    if audit.queue.exists() and any(row.answer for row in read_queue(audit.queue)):
        raise InputError(
            f"{audit.queue} holds answers to the questions of an audit with other {', '.join(changes)}: take them "
            "first (--answers), or start a new audit with --to <folder>"
        )
    (audit.folder / "DONE").unlink(missing_ok=True)
