"""What the answers given so far say about every mask and class; a mask's own answer is always left out.

Notation: L is a mask's initial label, count(L→c) the number of masks of label L that were answered with c.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from a2lc.posterior.pool import MaskPool
from a2lc.posterior.runs import IntArray

UNANSWERED = -1
_STRENGTH = 6.0  # answers that the prior of a confusion is worth

ANSWER_NAMES = (
    "image_share", "image_count", "image_area_share", "adjacent_share", "image_has_foreground", "image_right_rate",
    "image_label_count", "confusion", "log_confusion", "label_count", "label_right_rate", "global_share",
)  # fmt: skip


@dataclass(frozen=True)
class AnswerTables:
    """Statistics of the answers, for every mask without its own.

    Attributes:
        of_pair: Tables (M, C) float32 by name.
        of_mask: Columns (M,) float32 by name.
        confused: (M, C) bool, whether another mask of the same initial label was answered with c.
    """

    of_pair: dict[str, NDArray[np.float32]]
    of_mask: dict[str, NDArray[np.float32]]
    confused: NDArray[np.bool_]

    def __post_init__(self) -> None:
        masks = len(self.confused)
        if any(len(values) != masks for values in (*self.of_pair.values(), *self.of_mask.values())):
            raise ValueError(f"answer tables over {masks} masks have a table of another length")


def adjacency(pool: MaskPool) -> csr_array:
    """(M, M) sparse: pixels of the other mask in the ring of the mask."""
    mask, other, pixels = pool.neighbours.T
    return csr_array((pixels.astype(np.float32), (mask, other)), shape=(len(pool), len(pool)))


def answer_tables(pool: MaskPool, touching: csr_array, answer: IntArray) -> AnswerTables:
    """Summarise the answers.

    Args:
        pool: The masks.
        touching: `adjacency(pool)`.
        answer: (M,) int64, answered class; -1 = not asked, C = void (which says nothing about a class).
    """
    count = len(pool)
    classes = pool.num_classes
    told = (answer >= 0) & (answer < classes)  # (M,) answered with a class
    own = np.zeros((count, classes), dtype=np.float32)  # one-hot answer, all 0 where there is none
    own[told, answer[told]] = 1
    asked = told.astype(np.float32)
    # "the others": a sum over a group of masks less the mask's own share, so that no answer is its own evidence
    same_image = _grouped(own, pool.image, len(pool.image_id)) - own
    area = own * pool.pixels[:, None]
    same_area = _grouped(area, pool.image, len(pool.image_id)) - area
    near = touching @ own  # (M, C) pixels of answered masks in the ring; none of the mask itself
    right = ((answer == pool.label) & told).astype(np.float32)
    twin = pool.image * (classes + 1) + pool.label  # masks of the same label in the same image
    twins_asked = np.bincount(twin, asked)[twin] - asked
    twins_right = np.bincount(twin, right)[twin] - right
    moved = _grouped(own, pool.label, classes + 1) - own  # (M, C) count(L→c)
    label_asked = moved.sum(axis=1)  # (M,)
    confusion = (moved + _STRENGTH * _prior(pool, own, right, asked)) / (label_asked + _STRENGTH)[:, None]
    # (M,) how likely L stays L; 0 for void, which no answer confirms
    kept = confusion[np.arange(count), np.minimum(pool.label, classes - 1)] * (pool.label < classes)
    foreground = same_image.sum(axis=1)
    if pool.background is not None:
        foreground = foreground - same_image[:, pool.background]
    all_others = own.sum(axis=0) - own
    of_pair = {
        "image_share": same_image / np.maximum(same_image.sum(axis=1), 1)[:, None],
        "image_count": np.log1p(same_image),
        "image_area_share": same_area / np.maximum(same_area.sum(axis=1), 1)[:, None],
        "adjacent_share": near / np.maximum(near.sum(axis=1), 1)[:, None],
        "confusion": confusion,
        "log_confusion": np.log(confusion),
        "global_share": all_others / np.maximum(all_others.sum(axis=1), 1)[:, None],
    }
    of_mask = {
        "image_has_foreground": foreground > 0,
        "image_right_rate": (twins_right + kept) / (twins_asked + 1),
        "image_label_count": np.log1p(twins_asked),
        "label_count": np.log1p(label_asked),
        "label_right_rate": kept,
    }
    return AnswerTables(
        {name: table.astype(np.float32) for name, table in of_pair.items()},
        {name: column.astype(np.float32) for name, column in of_mask.items()},
        moved > 0,
    )


def _prior(
    pool: MaskPool, own: NDArray[np.float32], right: NDArray[np.float32], asked: NDArray[np.float32]
) -> NDArray[np.float32]:
    """(M, C) prior of c given L: the overall right rate for c = L, the overall wrong answers for the others."""
    classes = pool.num_classes
    rate = (right.sum() - right + 1) / (asked.sum() - asked + 2)
    wrong = own * (1 - right)[:, None]
    others = wrong.sum(axis=0) - wrong + 1 / classes
    is_label = np.arange(classes) == pool.label[:, None]
    others[is_label] = 0
    spread = others / np.maximum(others.sum(axis=1), 1e-12)[:, None]
    rate = np.where(pool.label < classes, rate, 0)  # void is never right
    return np.where(is_label, rate[:, None], (1 - rate)[:, None] * spread)


def _grouped(values: NDArray[np.float32], group: IntArray, groups: int) -> NDArray[np.float32]:
    """Sum the rows of (M, C) values by group and give every row the sum of its group."""
    sums = np.zeros((groups, values.shape[1]), dtype=np.float64)
    rows = np.flatnonzero(values.any(axis=1))
    np.add.at(sums, group[rows], values[rows])
    return sums[group].astype(np.float32)
