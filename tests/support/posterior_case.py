"""Small worlds of masks for the tests of the answer posterior, and its formulas written out mask by mask."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from a2lc.posterior.pool import MaskPool
from a2lc.posterior.shapes import RING, describe_masks

CLASSES = 4


def random_maps(seed: int, size: tuple[int, int] = (26, 31)) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """Labels and masks of an image: overlapping boxes, each of one class or void; class 0 under no mask."""
    rng = np.random.default_rng(seed)
    labels, masks = np.zeros(size, dtype=np.uint8), np.zeros(size, dtype=np.int32)
    for mask_id in rng.choice(np.arange(1, 400), rng.integers(1, 8), replace=False):
        row, column = rng.integers(0, size[0]), rng.integers(0, size[1])
        region = np.s_[row : row + rng.integers(1, 14), column : column + rng.integers(1, 14)]
        masks[region], labels[region] = mask_id, rng.choice([1, 2, 3, 255], p=[0.4, 0.3, 0.2, 0.1])
    return labels, masks


def random_pool(images: int = 12, seed: int = 0, order: NDArray[np.int64] | None = None) -> MaskPool:
    """The masks of a few images, in any order of the images."""
    order = np.arange(images) if order is None else order
    described = [(f"image{k:02d}", describe_masks(*random_maps(100 * seed + int(k)), CLASSES)) for k in order]
    return MaskPool.collect(described, CLASSES, background=0)


def random_votes(pool: MaskPool, share: float = 0.5) -> NDArray[np.int64]:
    """(M, C + 1) one answer for some masks, a function of the mask's key: mostly its label, else any class or void."""
    votes = np.zeros((len(pool), CLASSES + 1), dtype=np.int64)
    for row, (image_id, mask_id) in enumerate(pool.keys()):
        rng = np.random.default_rng((int(image_id[-2:]), mask_id))
        if rng.random() < share:
            wrong = rng.random() < 0.5
            votes[row, rng.integers(0, CLASSES + 1) if wrong else pool.label[row]] = 1
    return votes


def slow_shape(labels: NDArray[np.uint8], masks: NDArray[np.int32], mask_id: int) -> list[float]:
    """The features of one mask by itself and among the others, from their definitions."""
    inside, (height, width) = masks == mask_id, masks.shape
    rows, columns = np.nonzero(inside)
    others = [other for other in np.unique(masks) if other]
    size = {other: int((masks == other).sum()) for other in others}
    label = {other: slow_label(labels, masks, other) for other in others}
    ring = slow_ring(inside)
    box_height, box_width = np.ptp(rows) + 1, np.ptp(columns) + 1
    spans = sum(np.ptp(columns[rows == row]) + 1 for row in np.unique(rows))
    inradius = slow_inradius(inside)
    return [
        math.log(len(rows)), len(rows) / masks.size, rows.min() / height, columns.min() / width,
        (rows.max() + 1) / height, (columns.max() + 1) / width, box_height / height, box_width / width,
        math.log(box_height / box_width), len(rows) / (box_height * box_width), len(rows) / spans,
        math.log(ndimage.label(inside, np.ones((3, 3)))[1]), math.log(inradius), inradius / math.sqrt(len(rows)),
        rows.mean() / height, columns.mean() / width,
        sum([rows.min() == 0, columns.min() == 0, rows.max() == height - 1, columns.max() == width - 1]),
        len(others), sum(size[other] > size[mask_id] for other in others) / len(others),
        size[mask_id] / max(size.values()), sum(label[other] == label[mask_id] for other in others),
        float((masks > 0).mean()), others.index(mask_id) / len(others),
        float((masks[ring] == 0).mean()) if ring.any() else 0.0,
    ]  # fmt: skip


def slow_label(labels: NDArray[np.uint8], masks: NDArray[np.int32], mask_id: int) -> int:
    """Majority label of a mask, C for void."""
    return int(np.bincount(np.minimum(labels[masks == mask_id], CLASSES), minlength=CLASSES + 1).argmax())


def slow_ring(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Pixels outside a mask at a chessboard distance of at most the ring's width."""
    ring = np.zeros_like(inside)
    for row, column in zip(*np.nonzero(inside), strict=True):
        ring[max(row - RING, 0) : row + RING + 1, max(column - RING, 0) : column + RING + 1] = True
    return ring & ~inside


def slow_inradius(inside: NDArray[np.bool_]) -> float:
    """Chessboard depth of a mask on every second row and column, in pixels, at least 1."""
    thin = np.pad(inside[::2, ::2], 1)
    outside = np.argwhere(~thin)
    deepest = max((np.abs(outside - pixel).max(axis=1).min() for pixel in np.argwhere(thin)), default=0)
    return max(2.0 * deepest, 1.0)


def slow_answer_features(pool: MaskPool, answer: NDArray[np.int64], mask: int, candidate: int) -> dict[str, float]:
    """The features of one pair that come from answers, by forgetting the mask's own answer first."""
    told = [m for m in range(len(pool)) if m != mask and 0 <= answer[m] < CLASSES]
    here = [m for m in told if pool.image[m] == pool.image[mask]]
    twins = [m for m in here if pool.label[m] == pool.label[mask]]
    alike = [m for m in told if pool.label[m] == pool.label[mask]]
    right = {m: answer[m] == pool.label[m] for m in told}
    near = {other: pixels for own, other, pixels in pool.neighbours.tolist() if own == mask}

    def share(members: list[int], weight: dict[int, int] | None = None) -> float:
        total = sum(weight.get(m, 0) if weight else 1 for m in members)
        return sum((weight.get(m, 0) if weight else 1) * (answer[m] == candidate) for m in members) / max(total, 1)

    def confusion(target: int) -> float:
        rate = (sum(right.values()) + 1) / (len(told) + 2) if pool.label[mask] < CLASSES else 0.0
        wrong = [sum(answer[m] == c for m in told if not right[m]) + 1 / CLASSES for c in range(CLASSES)]
        rest = sum(w for c, w in enumerate(wrong) if c != pool.label[mask])
        prior = rate if target == pool.label[mask] else (1 - rate) * wrong[target] / rest
        return (sum(answer[m] == target for m in alike) + 6 * prior) / (len(alike) + 6)

    kept = confusion(int(pool.label[mask])) if pool.label[mask] < CLASSES else 0.0
    return {
        "image_share": share(here),
        "image_count": math.log1p(sum(answer[m] == candidate for m in here)),
        "image_area_share": share(here, {m: int(pool.pixels[m]) for m in here} or {-1: 0}),
        "adjacent_share": share(told, near or {-1: 0}),
        "image_has_foreground": float(any(answer[m] != pool.background for m in here)),
        "image_right_rate": (sum(right[m] for m in twins) + kept) / (len(twins) + 1),
        "image_label_count": math.log1p(len(twins)),
        "confusion": confusion(candidate),
        "log_confusion": math.log(confusion(candidate)),
        "label_count": math.log1p(len(alike)),
        "label_right_rate": kept,
        "global_share": share(told),
    }
