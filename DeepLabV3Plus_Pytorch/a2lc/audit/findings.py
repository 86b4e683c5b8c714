"""What an audit finds out: of every mask, every image, and every pair of classes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from a2lc.audit.evidence import MaskEvidence, mask_evidence
from a2lc.audit.masks import find_masks
from a2lc.audit.scores import Suspicion, judge
from a2lc.audit.settings import AuditSettings
from a2lc.datasets import Dataset
from a2lc.foundation.ids import MaskKey
from a2lc.labels.store import PseudoLabelWriter
from a2lc.quality import ClassSwap, common_label_issues, find_label_issues, label_quality_scores


class OutOfSample(Protocol):
    """Labels (H, W) and probabilities (C, H, W) of images by networks that have not seen them, read as often as wanted.

    Attributes:
        image_ids: The images, in the order of iteration.
    """

    image_ids: list[str]

    def __iter__(self) -> Iterator[tuple[NDArray[np.uint8], Tensor]]: ...


@dataclass(frozen=True)
class ImageQuality:
    """The labels of one image.

    Attributes:
        image_id: The image.
        fold: Its fold.
        score: Softmin of `a2lc.quality`, 1 = nothing speaks against the labels, lower = worse.
        pixels: Pixels with a class.
        issues: Those of them that confident learning flags.
        masks: How many masks it has.
    """

    image_id: str
    fold: int
    score: float
    pixels: int
    issues: int
    masks: int


@dataclass(frozen=True)
class Findings:
    """All that an audit found out.

    Attributes:
        keys: (image id, mask id) of the M masks.
        evidence: Of the M masks.
        suspicion: Scores of the M masks.
        unseen: (M,) bool, masks of a class that the network which judged them never saw.
        images: In the order in which they were read.
        swaps: Pixel issues by given and predicted class, most pixels first.
    """

    keys: tuple[MaskKey, ...]
    evidence: MaskEvidence
    suspicion: Suspicion
    unseen: NDArray[np.bool_]
    images: tuple[ImageQuality, ...]
    swaps: tuple[ClassSwap, ...]


def inspect(
    dataset: Dataset,
    predictions: OutOfSample,
    fold_of: Mapping[str, int],
    unseen: Collection[tuple[int, int]],
    settings: AuditSettings,
    writer: PseudoLabelWriter,
) -> Findings:
    """Read the predictions, as often as finding pixel issues takes and once more for everything else.

    Args:
        dataset: Images and classes.
        predictions: Labels and out-of-sample probabilities.
        fold_of: Image id → fold.
        unseen: (fold, class) pairs, see `unseen_classes`.
        settings: What is a mask.
        writer: Takes labels and masks of every image.
    """
    classes = dataset.classes
    void = dataset.classes.void
    issues = find_label_issues(predictions, void=void)
    keys: list[MaskKey] = []
    parts = []
    images = []
    swaps = Counter[tuple[int, int]]()
    pairs = zip(predictions.image_ids, issues, predictions, strict=True)
    for image_id, flags, (labels, probabilities) in pairs:
        masks = find_masks(dataset.image(image_id), labels, classes, settings)
        writer.write(image_id, labels, masks)
        part = mask_evidence(probabilities, labels, masks, flags, void)
        keys += [(image_id, int(mask_id)) for mask_id in part.mask_id]
        parts.append(part)
        one = [(labels, probabilities)]
        quality = float(label_quality_scores(one, void=void)[0])
        known = int((labels != void).sum())
        images.append(ImageQuality(image_id, fold_of[image_id], quality, known, int(flags.sum()), len(part)))
        for swap in common_label_issues([flags], one, top=None, void=void):
            swaps[swap.given, swap.predicted] += swap.pixels
    evidence = MaskEvidence.collect(parts)
    background = 0 if classes.unmasked == "background" else None
    folds = np.array([fold_of[image_id] for image_id, _ in keys], dtype=np.int64)
    return Findings(
        tuple(keys),
        evidence,
        judge(evidence, folds, background),
        np.array(
            [pair in unseen for pair in zip(folds.tolist(), evidence.label.tolist(), strict=True)], dtype=np.bool_
        ),
        tuple(images),
        tuple(ClassSwap(*pair, pixels) for pair, pixels in sorted(swaps.items(), key=lambda item: (-item[1], item[0]))),
    )
