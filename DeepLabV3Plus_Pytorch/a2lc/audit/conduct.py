"""Conducting an audit from training to report; a killed audit continues with the same call."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Collection, Mapping, Sequence

from a2lc.audit.audit import Audit, claimed
from a2lc.audit.findings import Findings, inspect
from a2lc.audit.folds import assign_folds, unseen_classes
from a2lc.audit.handover import hand_over
from a2lc.audit.predictions import Predictions
from a2lc.audit.report import write_report
from a2lc.audit.tables import make_tables
from a2lc.foundation.digests import FileDigests, file_digest
from a2lc.foundation.errors import refuse
from a2lc.foundation.files import is_there, read_json, write_json
from a2lc.foundation.seeding import seed_of
from a2lc.labels.store import PseudoLabelWriter
from a2lc.loop.features import Sight, sight
from a2lc.loop.sense import advise
from a2lc.segmentation import DeepLabV3Plus, build_network, make_objective, train

_log = logging.getLogger(__name__)
_RESULTS = ("masks.parquet", "report.html")  # what is compared when a finished audit is asked for again


def conduct(audit: Audit, command: str, loop: Sequence[str]) -> None:
    """Train a network per fold, judge every mask and image, and write lists, report and queue.

    Args:
        audit: What to audit.
        command: The command that a reader can run to get the same report.
        loop: Configuration and settings of the correction loop that continues from this audit.

    Raises:
        InputError: When there are fewer images than folds, or the folder belongs to another audit.
    """
    fold_of = assign_folds(audit.survey.classes_of, audit.settings.folds, audit.seed)
    with claimed(audit):
        if audit.is_done:
            _verify(audit)
            return
        unseen = unseen_classes(audit.survey.classes_of, fold_of)
        warnings = _warnings(audit, unseen)
        for warning in warnings:
            _log.warning("%s", warning)
        for fold in range(audit.settings.folds):
            train_fold(audit, fold, fold_of)
        findings = _inspect(audit, fold_of, unseen)
        tables = make_tables(findings, audit.dataset.classes, audit.settings.score)
        tables.write(audit.folder)
        write_report(audit, findings, tables, warnings, command)
        hand_over(audit, findings, loop)
        write_json(audit.done, {name: file_digest(audit.folder / name) for name in _RESULTS})
        suspicious = sum(row["suspicious"] for row in tables.masks)
        _log.info("%d masks judged, %d of them are suspicious", len(tables.masks), suspicious)


def _verify(audit: Audit) -> None:
    """Make sure that what a finished audit promised is still there, as it was written.

    Raises:
        InputError: Lists what is not.
    """
    written = read_json(audit.done, dict[str, str], "delete it") if audit.done.stat().st_size else {}  # empty once
    changed = [
        f"{audit.folder / name} is {'not as it was written' if is_there(audit.folder / name) else 'missing'}"
        for name, digest in written.items()
        if not is_there(audit.folder / name) or file_digest(audit.folder / name) != digest
    ]
    refuse(f"delete {audit.done} and the same command makes tables and report again", changed)


def _warnings(audit: Audit, unseen: Collection[tuple[int, int]]) -> list[str]:
    """A sentence for every class that occurs in fewer images than there are folds."""
    classes_of = audit.survey.classes_of
    folds = audit.settings.folds
    names = audit.dataset.classes.names
    blind = {k for _, k in unseen}
    sentences = []
    for k, name in enumerate(names):
        images = sum(k in classes for classes in classes_of.values())
        if k in blind:
            sentences.append(
                f"class {name} occurs in {images} image{'s' * (images > 1)} of a single fold: the network that judges "
                "it never saw it, so its masks are suspicious in any case"
            )
        elif 0 < images < folds:
            sentences.append(
                f"class {name} occurs in {images} images, fewer than the {folds} folds: they lie in different folds, "
                "so each is judged by a network that saw the others, but not many"
            )
    return sentences


def train_fold(audit: Audit, fold: int, fold_of: Mapping[str, int]) -> None:
    """Train the network that judges the images of a fold, on all others; continues a training that was killed."""
    folder = audit.fold_folder(fold)
    classes = audit.dataset.classes
    if is_there(folder / "training.json"):
        return
    # every fold starts with the same weights, so that the networks differ by their images alone
    channels = make_objective(audit.config.training, len(classes), classes.void).channels
    network = build_network(audit.config.network, channels, seed_of(audit.seed, "audit", "network"))
    advise(audit.config, audit.device)
    ids = [image_id for image_id, own in fold_of.items() if own != fold]
    result = train(
        network,
        _seen(audit, network, learns=ids),
        audit.labels,
        ids,
        audit.config.training,
        num_classes=len(classes),
        void=classes.void,
        folder=folder,
        keys=(audit.seed, "audit", fold),
        device=audit.device,
        description=f"train fold {fold + 1} of {audit.settings.folds}",
    )
    (folder / "best.safetensors").unlink()  # nothing was validated: it equals the last one
    write_json(folder / "training.json", dataclasses.asdict(result))


def _seen(audit: Audit, network: DeepLabV3Plus, learns: Sequence[str] = (), judges: Sequence[str] = ()) -> Sight:
    """What a network of the audit sees of the images."""
    device = audit.device
    digests = FileDigests()
    return sight(audit.config, audit.dataset, network.to(device), device, digests=digests, learns=learns, judges=judges)


def _images(audit: Audit, ids: Sequence[str]) -> Sight:
    """The images as they are, or the features that the frozen backbone of all folds made of them."""
    if not audit.config.training.on_features:
        return audit.dataset.image
    classes = audit.dataset.classes
    channels = make_objective(audit.config.training, len(classes), classes.void).channels
    return _seen(audit, build_network(audit.config.network, channels, seed=0), judges=ids)


def _inspect(audit: Audit, fold_of: Mapping[str, int], unseen: Collection[tuple[int, int]]) -> Findings:
    """Judge every image with the network that has not seen it; what is judged becomes a pseudo-label set."""
    _log.info("judging %d images", len(fold_of))
    classes = audit.dataset.classes
    weights = [audit.weights_path(fold) for fold in range(audit.settings.folds)]
    images = _images(audit, list(fold_of))
    labels = audit.labels
    device = audit.device
    predictions = Predictions(audit.config, len(classes), weights, fold_of, images, labels, device)
    writer = PseudoLabelWriter(audit.pseudo_labels, classes, {"made_by": "a2lc audit", **_made_with(audit)})
    findings = inspect(audit.dataset, predictions, fold_of, unseen, audit.settings, writer)
    classes.write(audit.pseudo_labels / "classes.yaml")
    writer.finish()
    return findings


def _made_with(audit: Audit) -> dict[str, object]:
    return audit.settings.model_dump(mode="json", include={"masks", "min_pixels", "superpixels", "background"})
