"""What a trained network adds: candidates and features from the mean class probabilities of the masks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from a2lc.posterior.pool import MaskPool
from a2lc.posterior.runs import IntArray

NETWORK_NAMES = (
    "network_class", "network_label", "network_log_class", "network_log_label", "network_rank", "network_is_first",
    "network_entropy", "network_highest", "network_image_class",
)  # fmt: skip
_TOP = 3  # classes of a mask, and of its image, that become candidates
_FLOOR = 1e-4


def network_candidates(pool: MaskPool, probability: NDArray[np.float32]) -> NDArray[np.bool_]:
    """(M, C) bool: the three most probable classes of each mask and of all masks of its image."""
    return (_rank(probability) < _TOP) | (_rank(_image_mean(pool, probability)) < _TOP)


def network_features(
    pool: MaskPool, probability: NDArray[np.float32], mask: IntArray, candidate: IntArray
) -> dict[str, NDArray[np.float32]]:
    """The features of pairs by name.

    Args:
        pool: The masks.
        probability: (M, C) float32, mean class probabilities of each mask.
        mask: (N,) masks of the pairs.
        candidate: (N,) their candidates.
    """
    of_label = np.append(probability, np.zeros((len(pool), 1), dtype=np.float32), axis=1)[mask, pool.label[mask]]
    of_class = probability[mask, candidate]
    entropy = -(probability * np.log(np.maximum(probability, _FLOOR))).sum(axis=1)
    rank = _rank(probability)[mask, candidate]
    columns = (
        of_class,
        of_label,
        np.log(np.maximum(of_class, _FLOOR)),
        np.log(np.maximum(of_label, _FLOOR)),
        rank,
        rank == 0,
        entropy[mask],
        probability.max(axis=1)[mask],
        _image_mean(pool, probability)[mask, candidate],
    )
    return {name: column.astype(np.float32) for name, column in zip(NETWORK_NAMES, columns, strict=True)}


def _rank(probability: NDArray[np.float32]) -> IntArray:
    """(M, C) position of each class by falling probability (ties: smaller index first), 0 = most probable."""
    order = np.argsort(-probability, axis=1, kind="stable")
    return np.argsort(order, axis=1, kind="stable")


def _image_mean(pool: MaskPool, probability: NDArray[np.float32]) -> NDArray[np.float32]:
    """(M, C) mean over all pixels under masks of the image of each mask."""
    images = len(pool.image_id)
    columns = [np.bincount(pool.image, pool.pixels * column, images) for column in probability.T]
    total = np.maximum(np.bincount(pool.image, pool.pixels, images), 1)
    mean: NDArray[np.float32] = (np.stack(columns, axis=1) / total[:, None])[pool.image].astype(np.float32)
    return mean
