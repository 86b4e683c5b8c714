"""The pairs (mask, candidate class) that the model judges, and their features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from a2lc.foundation.parallel import check_parallel
from a2lc.posterior.answers import ANSWER_NAMES, AnswerTables
from a2lc.posterior.network import NETWORK_NAMES, network_candidates, network_features
from a2lc.posterior.pool import MaskPool
from a2lc.posterior.runs import IntArray
from a2lc.posterior.shapes import SHAPE_NAMES

STATIC_NAMES = (
    "is_label", "is_background", "image_pixels_of_class", "image_pixels_of_label", "image_masks_of_class",
    "image_masks_of_label", "ring_class", "ring_label", "ring_background", "ring_class_of_foreground",
    "ring_label_of_foreground",
)  # fmt: skip
FEATURE_NAMES = STATIC_NAMES + SHAPE_NAMES + ANSWER_NAMES


@dataclass(frozen=True)
class Pairs:
    """N pairs, ordered by mask, then class.

    Attributes:
        mask: (N,) int64, position in the pool.
        candidate: (N,) int64, class.
        features: (N, F) float32, columns as in `FEATURE_NAMES`, with a network followed by `NETWORK_NAMES`.
        is_label: (N,) bool, whether the candidate is the mask's initial label.
        is_background: (N,) bool, whether it is the background.
    """

    mask: IntArray
    candidate: IntArray
    features: NDArray[np.float32]
    is_label: NDArray[np.bool_]
    is_background: NDArray[np.bool_]

    def __post_init__(self) -> None:
        check_parallel(self, "mask", "candidate", "features", "is_label", "is_background")


def candidates(
    pool: MaskPool, confused: NDArray[np.bool_], network: NDArray[np.float32] | None = None
) -> NDArray[np.bool_]:
    """(M, C) bool: the initial label, the background, every initial label of the image, and what other masks of
    the same initial label were answered with; with a network also what it finds most probable."""
    allowed = (pool.label_masks > 0)[pool.image] | confused
    if pool.background is not None:
        allowed[:, pool.background] = True
    if network is not None:
        allowed |= network_candidates(pool, network)
    labelled = pool.label < pool.num_classes
    allowed[labelled, pool.label[labelled]] = True
    return allowed


def build_pairs(pool: MaskPool, tables: AnswerTables, network: NDArray[np.float32] | None = None) -> Pairs:
    """Put the features of all pairs together.

    Args:
        pool: The masks.
        tables: What the answers say, every mask's own left out.
        network: (M, C) float32, mean class probabilities of each mask; None without a network.
    """
    mask, candidate = np.nonzero(candidates(pool, tables.confused, network))
    columns = _static(pool, mask, candidate)
    names: tuple[str, ...] = FEATURE_NAMES
    if network is not None:
        columns |= network_features(pool, network, mask, candidate)
        names += NETWORK_NAMES
    features = np.empty((len(mask), len(names)), dtype=np.float32)
    features[:, len(STATIC_NAMES) : len(STATIC_NAMES + SHAPE_NAMES)] = pool.shape[mask]
    for name in ANSWER_NAMES:  # a name is a table (M, C) of pairs or a column (M,) of masks
        table = tables.of_pair.get(name)
        features[:, names.index(name)] = tables.of_mask[name][mask] if table is None else table[mask, candidate]
    for name, column in columns.items():
        features[:, names.index(name)] = column
    return Pairs(mask, candidate, features, columns["is_label"] > 0, columns["is_background"] > 0)


def _static(pool: MaskPool, mask: IntArray, candidate: IntArray) -> dict[str, NDArray[np.float32]]:
    """The features by name that no answer changes and that tell candidates of a mask apart, or masks by their label."""
    image = pool.image[mask]
    label = pool.label[mask]
    ring = np.append(pool.ring, np.zeros((len(pool), 1), dtype=np.float32), axis=1)  # column C: void
    share = np.append(pool.label_share, np.zeros((len(pool.label_share), 1), dtype=np.float32), axis=1)
    masks = np.append(pool.label_masks, np.zeros((len(pool.label_masks), 1), dtype=np.int64), axis=1)
    # without a background its column is that of void: all 0
    background = pool.num_classes if pool.background is None else pool.background
    foreground = np.maximum(ring.sum(axis=1) - ring[:, background], 1e-6)
    of_foreground = ring / foreground[:, None]
    of_foreground[:, background] = 0
    return {
        "is_label": (candidate == label).astype(np.float32),
        "is_background": (candidate == background).astype(np.float32),
        "image_pixels_of_class": share[image, candidate],
        "image_pixels_of_label": share[image, label],
        "image_masks_of_class": np.log1p(masks[image, candidate]),
        "image_masks_of_label": np.log1p(masks[image, label]),
        "ring_class": ring[mask, candidate],
        "ring_label": ring[mask, label],
        "ring_background": ring[mask, background],
        "ring_class_of_foreground": of_foreground[mask, candidate],
        "ring_label_of_foreground": of_foreground[mask, label],
    }
