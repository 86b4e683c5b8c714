"""From a plain folder of images to a pseudo-label set whose masks are superpixels."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm.contrib.logging import logging_redirect_tqdm

from a2lc.classes import ClassSet
from a2lc.formats.mask_facts import mask_facts
from a2lc.foundation.bars import bar
from a2lc.foundation.errors import InputError
from a2lc.foundation.files import write_json
from a2lc.labels.check import check_pseudo_labels
from a2lc.labels.store import PseudoLabelSet, PseudoLabelWriter
from grounded_sam.inputs import Inputs, open_folder
from grounded_sam.sharding import Share, make_batches
from grounded_sam.superpixels import MOST_SEGMENTS, Superpixels
from grounded_sam.workplace import Workplace

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Cutter:
    """Image → label map, mask map and record on disk."""

    inputs: Inputs
    superpixels: Superpixels
    source: PseudoLabelSet | None
    writer: PseudoLabelWriter
    workplace: Workplace

    def cut(self, image_id: str) -> None:
        photo = self.inputs.photo(image_id)
        ids = self._superpixels(image_id, photo.pixels)
        entry = self.writer.write(image_id, self._labels(image_id, ids), ids)
        if photo.orientation != 1:
            entry["orientation"] = photo.orientation
        write_json(self.workplace.records.path(image_id), entry)
        _log.debug("%s: %d superpixels", image_id, entry["masks"])

    def _superpixels(self, image_id: str, image: NDArray[np.uint8]) -> NDArray[np.int32]:
        """The superpixels (H, W) of an image. Raises InputError, which names its file."""
        try:
            ids = self.superpixels(image)
        except InputError as error:
            raise InputError(f"{self.inputs.paths[image_id]}: {error}") from None
        if ids.max() > MOST_SEGMENTS:
            raise InputError(
                f"{self.inputs.paths[image_id]} has {ids.max():,} superpixels, but a mask map of 16 bits holds "
                f"{MOST_SEGMENTS:,}: ask for fewer with --segments"
            )
        return ids

    def _labels(self, image_id: str, ids: NDArray[np.int32]) -> NDArray[np.uint8]:
        """The labels (H, W) of the superpixels: void, or those of the other set."""
        if self.source is None:
            return np.full(ids.shape, self.inputs.classes.void, dtype=np.uint8)
        labels = self.source.labels(image_id)
        if labels.shape != ids.shape:
            raise InputError(
                f"{self.source.label_path(image_id)} is {labels.shape[0]}x{labels.shape[1]}, but its image "
                f"{self.inputs.paths[image_id]} is {ids.shape[0]}x{ids.shape[1]}: give the set made for these images"
            )
        return majority_labels(labels, ids)


def make_superpixel_set(
    images: Path,
    target: Path,
    classes: ClassSet,
    superpixels: Superpixels,
    source: PseudoLabelSet | None,
    share: Share,
) -> PseudoLabelSet | None:
    """Cut the images of a folder, or this process's share of them, and write the set's manifest with the last.

    Finished images are kept, so a killed command continues with the same call and ends with the same files.

    Args:
        images: The folder; sub-folders are searched.
        target: Folder of the new set.
        classes: The classes of the set.
        superpixels: How images are cut.
        source: A set for these classes and for some or all of the images, of which each superpixel gets the majority
            label of its pixels; images that it lacks are left out. None = all labels are void.
        share: The part of this process.

    Returns:
        The finished set, or None while other processes are still at work.

    Raises:
        InputError: When images, source or target cannot be used; or, once all else is done, when there are images that
            cannot be read or cut. Where an error of one process ends all, only the last tells these.
    """
    inputs = open_folder(images, classes, target)
    inputs = inputs if source is None else _labelled(inputs, source)
    workplace = Workplace(target, inputs)
    ids = [image_id for batch in share.of(make_batches(list(inputs.paths), 1)) for image_id in batch]
    with workplace.held(share.rank):
        made_by = {"superpixels": superpixels.describe(), "labels": "void" if source is None else _describe(source)}
        plan = {"classes": classes.to_dict(), **made_by}
        workplace.compare(plan)
        if source is not None:
            check_pseudo_labels(source, ids, classes)
        workplace.begin(plan, ids)
        writer = PseudoLabelWriter(target, classes, {"tool": "grounded-sam superpixels", **made_by})
        _cut_all(ids, _Cutter(inputs, superpixels, source, writer, workplace), share)
        return workplace.finish(writer, () if share.falls_together else ids)


def majority_labels(labels: NDArray[np.uint8], ids: NDArray[np.int32]) -> NDArray[np.uint8]:
    """Give every superpixel the most frequent label of its pixels; void counts as one, ties go to the smallest.

    Args:
        labels: (H, W) uint8.
        ids: (H, W) ids from 1 on.

    Returns:
        (H, W) uint8.
    """
    facts = mask_facts(labels, ids)
    table = np.zeros(int(ids.max()) + 1, dtype=np.uint8)
    table[facts.mask_id] = facts.label
    return table[ids]


def _labelled(inputs: Inputs, source: PseudoLabelSet) -> Inputs:
    """Those of the images that a set has."""
    known = set(source.image_ids())
    paths = {image_id: path for image_id, path in inputs.paths.items() if image_id in known}
    if not paths:
        raise InputError(
            f"{source.root} has labels for none of the images: they are found by id, the path below the folder of "
            "images without suffix, so give the folder that the set was made from"
        )
    if len(paths) < len(inputs.paths):
        _log.info("%d of %d images have labels, the others are left out", len(paths), len(inputs.paths))
    return replace(inputs, paths=paths)


def _describe(source: PseudoLabelSet) -> dict[str, Any]:
    """A set of labels, told by the content of its label maps, not by the path it lies at."""
    digest = hashlib.sha256()
    for image_id in source.image_ids():
        path = source.label_path(image_id)
        digest.update(f"{image_id}\n".encode() + (path.read_bytes() if path.is_file() else b""))
    return {"sha256": digest.hexdigest()}


def _cut_all(image_ids: Sequence[str], cutter: _Cutter, share: Share) -> None:
    """Cut every image that is not finished; one that cannot be is named and left out."""
    records = cutter.workplace.records
    missing = [image_id for image_id in image_ids if not records.is_finished(image_id)]
    done = len(image_ids) - len(missing)
    with (
        logging_redirect_tqdm([logging.getLogger()]),
        bar(description="cutting", total=len(image_ids), initial=done, position=share.rank) as shown,
    ):
        for image_id in missing:
            try:
                cutter.cut(image_id)
            except InputError as error:
                _log.warning("left out: %s", error)
                records.note_unreadable([image_id], [str(error)])
            shown.update()
