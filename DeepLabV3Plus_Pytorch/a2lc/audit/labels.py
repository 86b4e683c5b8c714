"""The labels that are audited: where they are, and whether they fit the images; every problem at once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from skimage.measure import label as label_regions

from a2lc.classes import ClassSet
from a2lc.datasets import Dataset
from a2lc.formats import LabelSet, Reading
from a2lc.formats import open_labels as open_label_files
from a2lc.foundation.bars import bar
from a2lc.foundation.errors import InputError, refuse
from a2lc.foundation.images import image_size
from a2lc.labels.base import LabelSource

_LARGE = 0.1  # share of its image that makes a region large
_TINY = 1e-9  # instead of nothing, to divide by


def open_labels(dataset: Dataset, folder: Path | None) -> LabelSource:
    """The labels to audit: the training images' ground truth, or what lies in a folder.

    Args:
        dataset: The images.
        folder: A folder of label PNGs named like the images, or a pseudo-label set; None = the data set's ground truth.

    Raises:
        InputError: When there are none, or label maps lie there whose image does not exist.
    """
    labels = _in_folder(dataset, folder) if folder else dataset.ground_truth
    if labels is None:
        raise InputError(
            "the training images have no labels that could be audited: put label PNGs into the data set's ground-truth "
            "folder, or name their folder with --labels"
        )
    known = {*dataset.ids("train"), *dataset.ids("val")}
    unknown = [image_id for image_id in _label_ids(labels) if image_id not in known]
    refuse(
        "there are label maps without an image; remove them or add the images",
        [f"'{image_id}' has a label map but no image" for image_id in unknown if not _has_image(dataset, image_id)],
    )
    return labels


def _in_folder(dataset: Dataset, folder: Path) -> LabelSource:
    """The label maps below a folder, in whatever format. Raises InputError where there is no folder."""
    if not folder.is_dir():
        raise InputError(f"{folder} does not exist: --labels takes a folder of label PNGs or a pseudo-label set")
    return open_label_files(folder, Reading(dataset.classes))


def _label_ids(labels: LabelSource) -> Iterable[str]:
    """Ids of all label maps; none where the data set alone knows where they lie."""
    return labels.image_ids() if isinstance(labels, LabelSet) else ()


def _has_image(dataset: Dataset, image_id: str) -> bool:
    try:
        return dataset.image_path(image_id).is_file()
    except (KeyError, StopIteration):  # data sets that list their images know no other
        return False


@dataclass(frozen=True)
class Survey:
    """What one look at every label map tells.

    Attributes:
        classes_of: Image id → classes that occur in it, in the order of the training images.
        digest: Equal for equal images and labels.
        largest: Pixels that the most frequent class has in one image: no mask is larger.
        covered: Share of an image that has a class other than void and background, mean over the images.
        sprawling: Share of those pixels that lie in connected regions of a tenth of their image or more.
    """

    classes_of: Mapping[str, frozenset[int]]
    digest: str
    largest: int
    covered: float
    sprawling: float


def survey(dataset: Dataset, labels: LabelSource) -> Survey:
    """Read every label map once.

    Raises:
        InputError: Lists every training image whose label map is missing, unreadable, of another size than the image,
            or holds what is neither a class nor void; or when no pixel at all is labelled.
    """
    ids = dataset.ids("train")

    def look(image_id: str) -> _Look:
        return _look(image_id, dataset, labels)

    with ThreadPoolExecutor(4) as pool:
        looks = list(bar(pool.map(look, ids), "checking labels", len(ids)))
    refuse("the labels cannot be audited", [look.problem for look in looks if look.problem])
    if not any(look.classes for look in looks):
        raise InputError(f"no pixel of the {len(ids)} label maps has a class: all of them are void")
    digest = hashlib.sha256(b"".join(look.digest for look in looks)).hexdigest()
    return Survey(
        {image_id: look.classes for image_id, look in zip(ids, looks, strict=True)},
        digest,
        max(look.largest for look in looks),
        sum(look.covered for look in looks) / len(looks),
        sum(look.sprawling for look in looks) / max(sum(look.covered for look in looks), _TINY),
    )


@dataclass(frozen=True)
class _Look:
    """What one label map tells, or what is wrong with it."""

    classes: frozenset[int] = frozenset()
    largest: int = 0
    digest: bytes = b""
    covered: float = 0.0
    sprawling: float = 0.0
    problem: str = ""


def _look(image_id: str, dataset: Dataset, labels: LabelSource) -> _Look:
    """Read one label map and compare it with its image and the classes."""
    try:
        size = image_size(dataset.image_path(image_id))
        given = labels.labels(image_id)
    except InputError as error:
        return _Look(problem=f"'{image_id}': {error}")
    if given.shape != size:
        return _Look(
            problem=f"'{image_id}': its image is {_size(size)} but its label map {_size(given.shape)} (rows x "
            "columns): make the label map again from this image"
        )
    void = dataset.classes.void
    counts = np.bincount(given.ravel(), minlength=256)
    present = np.flatnonzero(counts)
    outside = [int(k) for k in present if k >= len(dataset.classes) and k != void]
    if outside:
        return _Look(
            problem=f"'{image_id}': its label map holds {outside[0]}, but there are {len(dataset.classes)} classes: "
            "use the class list that the labels were made with"
        )
    digest = hashlib.sha256(f"{image_id} {given.shape} ".encode() + given.tobytes()).digest()
    return _Look(
        frozenset(int(k) for k in present if k != void),
        int(np.delete(counts, void).max()),
        digest,
        *_cover(given, dataset.classes),
    )


def _cover(labels: NDArray[np.uint8], classes: ClassSet) -> tuple[float, float]:
    """Shares of an image that have a class other than void and background, and that lie in large regions of one."""
    wanted = ~np.isin(labels, [classes.void, classes.unmasked_label])
    sizes = np.bincount(label_regions(np.where(wanted, labels.astype(np.int32) + 1, 0), background=0).ravel())[1:]
    return float(wanted.mean()), float(sizes[sizes >= _LARGE * labels.size].sum() / labels.size)


def _size(shape: tuple[int, ...]) -> str:
    """A shape as messages give it: 375x500."""
    return "x".join(map(str, shape))
