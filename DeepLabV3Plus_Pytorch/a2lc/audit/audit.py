"""One audit: what is audited, how, and the folder it leaves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from a2lc.annotators import read_queue
from a2lc.audit.choice import MaskChoice, choose_masks
from a2lc.audit.given import PredictionFiles, open_predictions
from a2lc.audit.labels import Survey, open_labels, survey
from a2lc.audit.settings import AuditSettings
from a2lc.datasets import Dataset, open_dataset
from a2lc.foundation.claims import ClaimKind
from a2lc.foundation.devices import choose_device, prepare_device
from a2lc.foundation.errors import InputError
from a2lc.foundation.files import is_there, read_json, write_json, write_text
from a2lc.foundation.images import image_size
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
        settings: What is a mask, decided, and how suspicion is measured.
        dataset: The images.
        labels: What is audited.
        survey: What the labels hold.
        choice: Why its masks are what they are.
        device: Where to compute.
        folder: Where everything goes.
        predictions: Of another model, by which the labels are judged; None = networks are trained on folds.
    """

    config: RunConfig
    settings: AuditSettings
    dataset: Dataset
    labels: LabelSource
    survey: Survey
    choice: MaskChoice
    device: torch.device
    folder: Path
    predictions: PredictionFiles | None = None

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
        return is_there(self.done)

    @property
    def done(self) -> Path:
        """The file that says so, with digests of what people may not change."""
        return self.folder / "DONE"

    def fold_folder(self, fold: int) -> Path:
        """Folder of the network that judges the images of a fold."""
        return self.folder / f"fold_{fold}"

    def weights_path(self, fold: int) -> Path:
        """Checkpoint of that network."""
        return self.fold_folder(fold) / "last.safetensors"


def open_audit(
    config: RunConfig,
    settings: AuditSettings,
    labels: Path | None,
    folder: Path | None,
    predictions: Path | None = None,
) -> Audit:
    """Open the data, look at every label map, and choose the device.

    Args:
        config: Data, network, training, seed, budget.
        settings: What is a mask, and how suspicion is measured.
        labels: Folder of the labels; None = the data set's ground truth.
        folder: Where everything goes; None = `<output>/audits/<experiment>`.
        predictions: Folder of another model's probabilities, see `PredictionFiles`; None = train networks.

    Raises:
        InputError: When images, labels or predictions are missing or do not fit each other; every problem is listed.
    """
    dataset = open_dataset(config.dataset)
    source = open_labels(dataset, labels)
    surveyed = survey(dataset, source)
    if surveyed.largest < settings.min_pixels:
        raise InputError(
            f"no mask can have {settings.min_pixels} pixels: no class has more than {surveyed.largest} in an image; "
            "lower --min-pixels"
        )
    choice = choose_masks(settings, surveyed)
    settings = settings.model_copy(update={"masks": choice.kind})
    given = None
    if predictions:
        ids, sizes = dataset.ids("train"), lambda image_id: image_size(dataset.image_path(image_id))
        given = open_predictions(predictions, ids, sizes, len(dataset.classes))
    device = choose_device(config.device)
    target = folder or config.output / "audits" / config.experiment
    return Audit(config, settings, dataset, source, surveyed, choice, device, target, given)


@contextmanager
def claimed(audit: Audit) -> Iterator[None]:
    """Prepare the device, hold the folder against a second process, and compare with what was begun there.

    Raises:
        InputError: When another process works there, or other networks are needed than those the folder holds.
    """
    prepare_device(audit.device, audit.config.deterministic)
    with held(audit.folder):
        _claim(audit)
        yield


def _claim(audit: Audit) -> None:
    """Write config.yaml and audit.json, or compare with those that are there."""
    kind = _claim_kind(audit)
    if not (audit.folder / "config.yaml").is_file():  # it is written first
        kind.refuse_foreign(audit.folder)
    earlier = kind.compare(audit.folder, _record(audit))
    if earlier is not None:
        _take_back(audit, earlier)
    write_text(audit.folder / "config.yaml", dump_config(audit.config))
    kind.write(audit.folder / kind.name, _record(audit))


def _claim_kind(audit: Audit) -> ClaimKind[dict[str, Any]]:
    """A folder with networks: other masks or another score are no other audit, other networks are."""
    return ClaimKind(
        name="audit.json",
        read=lambda path: dict(read_json(path)),
        write=write_json,
        difference=lambda earlier, now: _other_networks(audit, earlier, now),
        foreign="{folder} is not empty: choose a new folder with --to, nothing is overwritten",
        damaged="{path} is not what an audit writes: choose another --to ({error})",
        other="{folder} holds the networks of another audit; nothing was changed:\n{lines}\n"
        "continue with the earlier values, or start a new audit with --to <folder>",
    )


def _record(audit: Audit) -> dict[str, Any]:
    """All that decides about the files, beside config.yaml."""
    about = {"labels": audit.survey.digest, "seed": audit.seed, "budget": audit.config.budget}
    about["predictions"] = audit.predictions and audit.predictions.digest
    return {**audit.settings.model_dump(mode="json"), **about}


def _read_config(path: Path) -> RunConfig:
    """The configuration with which the audit was begun."""
    try:
        return RunConfig.model_validate(read_yaml(path))
    except ValueError as error:
        raise InputError(f"{path} is not a configuration of this version: choose another --to ({error})") from None


def _changes(earlier: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """The keys that differ."""
    return [key for key in now if earlier.get(key) != now[key]]


def _other_networks(audit: Audit, earlier: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What differs and decides about the networks, a line each."""
    changes = _changes(earlier, now)
    given = {name: bool(record.get("predictions")) for name, record in (("earlier", earlier), ("now", now))}
    if given["earlier"] != given["now"]:
        return [f"--predictions: {'given' if given['earlier'] else 'none'} -> {'given' if given['now'] else 'none'}"]
    if given["now"]:  # there are no networks
        return ["the labels or the list of images have changed"] * ("labels" in changes)
    lines = _read_config(audit.folder / "config.yaml").difference(audit.config, {Decides.FIRST_NETWORK})
    lines = [line for line in lines if line.split(".")[0] in _TRAINED_WITH]
    lines += [f"{key}: {earlier.get(key)} -> {now[key]}" for key in ("folds", "seed") if key in changes]
    lines += ["the labels or the list of images have changed"] * ("labels" in changes)
    return lines


def _take_back(audit: Audit, earlier: Mapping[str, Any]) -> None:
    """With other masks or another score, all but the networks is made again, unless people have answered."""
    changes = _changes(earlier, _record(audit))
    if not changes:
        return
    if audit.queue.exists() and any(row.answer for row in read_queue(audit.queue)):
        raise InputError(
            f"{audit.queue} holds answers to the questions of an audit with other {', '.join(changes)}: take them "
            "first (--answers), or start a new audit with --to <folder>"
        )
    audit.done.unlink(missing_ok=True)
