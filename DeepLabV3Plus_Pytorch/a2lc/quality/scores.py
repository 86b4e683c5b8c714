"""One score per image: how far its labels can be trusted."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from a2lc.quality.issues import find_issues
from a2lc.quality.pixels import Floats, open_images


def label_quality_scores(
    labels: Any,
    probabilities: Any = None,
    *,
    method: Literal["softmin", "num_pixel_issues"] = "softmin",
    temperature: float = 0.1,
    void: int = 255,
) -> NDArray[np.float64]:
    """Score the labels of every image: 1 = nothing speaks against them, lower = worse.

    "softmin" is the mean of the self-confidence s(x) with weights softmax((1 - s) / temperature) over the pixels of an
    image; it needs one read. "num_pixel_issues" is the share of pixels that `find_label_issues` does not find.
    An image without any label (all void) scores 1.

    Args:
        labels: (N, H, W) integer, or an iterable of (labels (H, W), probabilities (C, H, W)) pairs, see `a2lc.quality`.
        probabilities: (N, C, H, W) out-of-sample, NumPy or torch; None where `labels` are pairs.
        method: "softmin" or "num_pixel_issues".
        temperature: Of softmin: towards 0 the score is the least self-confidence, towards infinity the mean.
        void: Index of void: these pixels do not count.

    Returns:
        (N,) float64.

    Raises:
        ValueError: When the method is unknown, the temperature is not positive, or as `find_label_issues`.
        TypeError: As `find_label_issues`.

    Example:
        >>> import numpy as np
        >>> labels = np.array([[[0, 1]], [[0, 0]]])
        >>> box = np.array([[[0.1, 0.9]], [[0.1, 0.9]]])
        >>> label_quality_scores(labels, np.stack([1 - box, box], axis=1)).round(2).tolist()
        [0.9, 0.1]
    """
    if method not in ("softmin", "num_pixel_issues"):
        raise ValueError(f"there is no method '{method}': it must be 'softmin' or 'num_pixel_issues'")
    if not temperature > 0:
        raise ValueError(f"the temperature must be positive, not {temperature}")
    images = open_images(labels, probabilities, void)
    if method == "softmin":
        return np.array([_softmin(pixels.confidence, temperature) for pixels in images])
    return np.array([1 - np.count_nonzero(flags) / max(flags.size, 1) for _, flags in find_issues(images)])


def _softmin(confidence: Floats, temperature: float) -> float:
    """The mean of (V,) self-confidences in which the low ones weigh most; 1 for no pixel."""
    if not confidence.size:
        return 1.0
    scores = torch.from_numpy(confidence).double()
    # the largest weight is 1, so that none overflows
    weights = torch.exp((scores.min() - scores) / temperature)
    return float(scores @ weights / weights.sum())
