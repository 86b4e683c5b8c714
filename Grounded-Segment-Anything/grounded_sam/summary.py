"""What a pseudo-label set holds, and which of its images deserve a look before anything is trained on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import mean, median

import numpy as np
from numpy.typing import NDArray

from a2lc.classes import ClassSet
from a2lc.formats.mask_facts import MaskFacts, mask_facts
from a2lc.foundation.bars import bar
from a2lc.labels.check import check_pseudo_labels
from a2lc.labels.store import PseudoLabelSet

MANY_MASKS = 100
LARGE_SHARE = 0.95  # of the image, covered by one mask
VOID_SHARE = 0.5
_SHOWN = 20  # suspicious images printed before the list is cut


@dataclass(frozen=True)
class SetReport:
    """What a pseudo-label set holds.

    Attributes:
        masks_per_class: {class name: masks}, every class in index order, then "void".
        masks_per_image: {image id: masks}, sorted by id.
        suspicious: {image id: what is odd about it}, sorted by id.
        void: Share of all pixels that is void, 0 to 1.
    """

    masks_per_class: Mapping[str, int]
    masks_per_image: Mapping[str, int]
    suspicious: Mapping[str, str]
    void: float

    @property
    def images(self) -> int:
        """Number of images."""
        return len(self.masks_per_image)

    @property
    def masks(self) -> int:
        """Number of masks."""
        return sum(self.masks_per_image.values())

    @property
    def without_masks(self) -> tuple[str, ...]:
        """Ids of the images without masks."""
        return tuple(image_id for image_id, masks in self.masks_per_image.items() if not masks)

    def to_text(self) -> str:
        """The report for a terminal."""
        return "\n".join([*self._totals(), "", *self._classes(), "", *self._suspicions()]) + "\n"

    def _totals(self) -> list[str]:
        """The numbers of the whole set, a line each."""
        counts = list(self.masks_per_image.values()) or [0]
        spread = f"median {median(counts):g}, mean {mean(counts):.1f}, most {max(counts):,}"
        return [
            f"images                  {self.images:>9,}",
            f"images without masks    {len(self.without_masks):>9,}",
            f"masks                   {self.masks:>9,}",
            f"masks per image         {spread}",
            f"void pixels             {self.void:>9.1%}",
        ]

    def _classes(self) -> Iterator[str]:
        yield "masks per class"
        width = max(22, *map(len, self.masks_per_class))
        for name, masks in self.masks_per_class.items():
            yield f"  {name:<{width}}{masks:>9,}"

    def _suspicions(self) -> Iterator[str]:
        if not self.suspicious:
            yield "suspicious images       none"
            return
        yield f"suspicious images       {len(self.suspicious):>9,}"
        shown = list(self.suspicious.items())[:_SHOWN]
        width = max(len(image_id) for image_id, _ in shown)
        for image_id, reason in shown:
            yield f"  {image_id:<{width}}  {reason}"
        if len(self.suspicious) > _SHOWN:
            yield f"  ... and {len(self.suspicious) - _SHOWN:,} more"


@dataclass(frozen=True)
class _Image:
    labels: tuple[int, ...]
    pixels: int
    void: int
    reason: str


def summarise_set(pseudo_labels: PseudoLabelSet, classes: ClassSet) -> SetReport:
    """Check a set and count what is in it.

    Args:
        pseudo_labels: The set, in either layout.
        classes: The classes it was made for.

    Raises:
        InputError: Lists everything that is wrong with the set (`check_pseudo_labels`).
    """

    def inspect(image_id: str) -> _Image:
        return _inspect(pseudo_labels.labels(image_id), pseudo_labels.masks(image_id), classes)

    ids = pseudo_labels.image_ids()
    check_pseudo_labels(pseudo_labels, ids, classes)
    with ThreadPoolExecutor(4) as pool:
        inspected = bar(pool.map(inspect, ids), "reading masks", len(ids), leave=False)
        images = dict(zip(ids, inspected, strict=True))
    counts = Counter(label for image in images.values() for label in image.labels)
    return SetReport(
        {classes.name_of(label): counts[label] for label in (*range(len(classes)), classes.void)},
        {image_id: len(image.labels) for image_id, image in images.items()},
        {image_id: image.reason for image_id, image in images.items() if image.reason},
        sum(image.void for image in images.values()) / max(sum(image.pixels for image in images.values()), 1),
    )


def _inspect(labels: NDArray[np.uint8], masks: NDArray[np.int32], classes: ClassSet) -> _Image:
    """What is counted of one image."""
    facts = mask_facts(labels, masks)
    void = int(np.count_nonzero(labels == classes.void))
    reasons = _reasons(facts, masks.size, void, classes)
    return _Image(tuple(facts.label.tolist()), masks.size, void, "; ".join(reasons))


def _reasons(facts: MaskFacts, size: int, void: int, classes: ClassSet) -> Iterator[str]:
    """Why an image is suspicious, if it is."""
    if not len(facts):
        yield "no mask"
        return
    if len(facts) > MANY_MASKS:
        yield f"{len(facts)} masks"
    largest = int(facts.pixels.argmax())
    if facts.pixels[largest] > LARGE_SHARE * size:
        name = classes.name_of(int(facts.label[largest]))
        yield f"mask {facts.mask_id[largest]} ({name}) covers {facts.pixels[largest] / size:.1%} of the image"
    if void > VOID_SHARE * size:
        yield f"{void / size:.1%} of the image is void"
