"""ABC's class weights: rare classes count more, the more so the less balanced the classes are."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def _observed(pixel_counts: ArrayLike) -> NDArray[np.float64]:
    """The counts as (C,) float64, refused when they are none."""
    counts = np.asarray(pixel_counts, dtype=np.float64)
    if counts.ndim != 1 or not np.isfinite(counts).all() or (counts < 0).any():
        raise ValueError(f"pixel_counts must be a (C,) array of counts, got shape {counts.shape} and values {counts}")
    return counts


def class_imbalance(pixel_counts: ArrayLike) -> float:
    """KL divergence of the observed classes from the uniform distribution over them, in nats.

    KL = sum of p_c ln(p_c * n) over the n classes with a pixel, p = N / sum N. 0 = perfectly balanced (or no pixel).

    Args:
        pixel_counts: (C,) pixels per class under the masks of the pool.

    Source: A²LC, adaptive class weights.

    Example:
        >>> class_imbalance([50, 50, 0]), round(class_imbalance([99, 1]), 3)
        (0.0, 0.637)
    """
    counts = _observed(pixel_counts)
    share = counts[counts > 0] / max(counts.sum(), 1)
    return float(max(np.sum(share * np.log(share * len(share))), 0.0))


def adaptive_class_weights(pixel_counts: ArrayLike) -> NDArray[np.float64]:
    """w_c = (min_j N_j / N_c) ** (KL ** 3) over the observed classes; 0 for a class with no pixel.

    Args:
        pixel_counts: (C,) pixels per class under the masks of the pool.

    Returns:
        (C,) float64 in [0, 1].

    Source: A²LC, adaptive class weights; KL from `class_imbalance`.

    Example:
        >>> adaptive_class_weights([990, 10, 0]).round(2).tolist()
        [0.3, 1.0, 0.0]
    """
    counts = _observed(pixel_counts)
    weights = np.zeros_like(counts)
    seen = counts > 0
    if seen.any():
        weights[seen] = (counts[seen].min() / counts[seen]) ** (class_imbalance(counts) ** 3)
    return weights


def pool_weights(pixel_counts: ArrayLike, smoothing: int, count_void: bool) -> tuple[NDArray[np.float64], float]:
    """Class weights and imbalance of the pool, with the two choices that the official code leaves open.

    Args:
        pixel_counts: (C + 1,) pixels per class under the masks of the pool, void last.
        smoothing: Pixels added to every class.
        count_void: Whether void, if present, counts like a class.

    Returns:
        Weights (C,) float64 in [0, 1] and the KL divergence in nats that sets their spread.
    """
    counts = _observed(pixel_counts)
    counts = np.append(counts[:-1] + smoothing, counts[-1] if count_void else 0)
    return adaptive_class_weights(counts)[:-1], class_imbalance(counts)
