"""One pass over the pixels of an image: what its masks are, and what the network thinks of them.

Notation of the papers: f(x) is the softmax output at pixel x, y(x) the current label, ŷ(x) = argmax f(x), m a mask,
dom(m) its most frequent ŷ, m' = {x in m : ŷ(x) = dom(m)} its core, cos the cosine between two probability vectors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from a2lc.foundation.parallel import check_parallel
from a2lc.mask_statistics.arrays import MaskStatistics
from a2lc.mask_statistics.pixels import MaskPixels, kernel_pixels, torch_pixels
from a2lc.mask_statistics.spans import spans_at, spans_of_map


@dataclass(frozen=True)
class MaskSummary:
    """Per-mask tensors on the device, from which statistics and scores are read.

    Attributes:
        pixels: (M,) int64.
        predicted: (M,) int64, dom(m).
        mean: (M, C) float64, mean of f over m.
        core_similarity: (N,) float32, cos(f(m'), f(x)).
        representative: (M,) int64, index into the N pixels.
    """

    pixels: Tensor
    predicted: Tensor
    mean: Tensor
    core_similarity: Tensor
    representative: Tensor

    def __post_init__(self) -> None:
        """Refuse tensors that are not parallel."""
        check_parallel(self, "pixels", "predicted", "mean", "representative")


def gather_pixels(probabilities: Any, labels: Any, masks: Any, void: int = 255) -> MaskPixels:
    """Collect the pixels under masks.

    Args:
        probabilities: (C, H, W) float32 softmax output, NumPy or torch; its device is where everything is computed.
        labels: (H, W) uint8 current labels.
        masks: (H, W) integer mask ids, 0 = no mask.
        void: Index of void.

    Raises:
        ValueError: When shapes do not fit, class probabilities do not sum to 1 within 1e-2, or a label is neither a
            class nor void.
    """
    probabilities = torch.as_tensor(probabilities, dtype=torch.float32)
    _check_shapes(probabilities, labels, masks)
    if probabilities.device.type == "cpu":
        ids = masks if isinstance(masks, np.ndarray) else torch.as_tensor(masks).cpu().numpy()
        mask_id, spans = spans_of_map(ids.reshape(-1))
        return kernel_pixels(
            _flat(probabilities), _flat_labels(labels, probabilities), spans, torch.from_numpy(mask_id), void
        )
    of_pixels = _to_tensor(masks, probabilities.device).reshape(-1)
    position = torch.nonzero(of_pixels > 0)[:, 0]
    unique, mask = torch.unique(of_pixels[position], return_inverse=True)
    return pixels_at(probabilities, labels, position, mask, unique.long(), void)


def pixels_at(
    probabilities: Tensor, labels: Any, position: Tensor, mask: Tensor, mask_id: Tensor, void: int
) -> MaskPixels:
    """Collect pixels in groups that need not be the masks of a mask map: a pixel may be in several, or in none.

    Args:
        probabilities: (C, H, W) float32.
        labels: (H, W) uint8 current labels.
        position: (N,) int64, row-major position of each pixel.
        mask: (N,) int64, index 0..M-1 of its group.
        mask_id: (M,) int64, what the groups are called.
        void: Index of void.

    Raises:
        ValueError: As `gather_pixels`.
    """
    image = _flat(probabilities)  # (C, H·W)
    current = _flat_labels(labels, probabilities)  # (H·W,)
    if image.device.type == "cpu":
        return kernel_pixels(image, current, spans_at(position.numpy(), mask.numpy(), len(mask_id)), mask_id, void)
    return torch_pixels(image, current, position, mask, mask_id, void)


def _flat(probabilities: Tensor) -> Tensor:
    """(C, H·W) of (C, H, W); no copy where it is contiguous."""
    return probabilities.detach().reshape(len(probabilities), -1).contiguous()


def _flat_labels(labels: Any, probabilities: Tensor) -> Tensor:
    """(H·W,) of (H, W) on the device of the probabilities: uint8 as it is, everything else as int32."""
    if isinstance(labels, np.ndarray) and labels.dtype == np.uint8:
        labels = torch.from_numpy(labels if labels.flags.writeable else labels.copy())
    if isinstance(labels, Tensor) and labels.dtype == torch.uint8:
        return labels.to(probabilities.device).reshape(-1).contiguous()
    return _to_tensor(labels, probabilities.device).reshape(-1)


def _to_tensor(array: Any, device: torch.device) -> Tensor:
    """Widened to int32, because torch has almost no operations on uint16."""
    if isinstance(array, np.ndarray):
        array = torch.from_numpy(array.astype(np.int32))
    return torch.as_tensor(array).to(device, torch.int32)


def _check_shapes(probabilities: Tensor, labels: Any, masks: Any) -> None:
    if probabilities.ndim != 3:
        raise ValueError(f"probabilities must be (C, H, W), got shape {tuple(probabilities.shape)}")
    size = tuple(probabilities.shape[1:])
    if tuple(labels.shape) != size or tuple(masks.shape) != size:
        raise ValueError(
            f"probabilities are (C, H, W) = {tuple(probabilities.shape)} but labels are {tuple(labels.shape)} and "
            f"masks {tuple(masks.shape)}: the last two axes must agree"
        )


def summarise(pixels: MaskPixels) -> MaskSummary:
    """Compute the per-mask tensors: size, dom(m), mean of f, similarity to f(m') and representative pixel."""
    counts = pixels.predicted_counts.sum(1)  # (M,)
    core_size, predicted = pixels.predicted_counts.max(1)  # (M,) each; ties: the smallest index
    whole, core = pixels.probability_sums(predicted)  # (M, C) each
    core_similarity = pixels.similarity(core / core_size[:, None])
    representative = pixels.first_best(core_similarity, predicted)
    return MaskSummary(counts, predicted, whole / counts[:, None], core_similarity, representative)


def restrict(pixels: MaskPixels, summary: MaskSummary, chosen: Tensor) -> tuple[MaskPixels, MaskSummary]:
    """The same masks, cut down to the chosen pixels: (N,) bool, at least the representative pixel of every mask."""
    index = torch.cumsum(chosen, 0) - 1  # (N,) what a chosen pixel is called among the chosen
    smaller = pixels.where(chosen)
    return smaller, MaskSummary(
        smaller.predicted_counts.sum(1),
        summary.predicted,
        summary.mean,
        summary.core_similarity[chosen],
        index[summary.representative],
    )


def to_statistics(pixels: MaskPixels, summary: MaskSummary, width: int) -> MaskStatistics:
    """Bring the statistics of an image of `width` columns to the host."""
    position = pixels.position_of(summary.representative)
    return MaskStatistics(
        mask_id=_to_host(pixels.mask_id),
        pixels=_to_host(summary.pixels),
        label=_to_host(pixels.label_counts.argmax(1)),
        predicted=_to_host(summary.predicted),
        representative=_to_host(torch.stack((position // width, position % width), dim=1)),
        mean_probability=summary.mean.float().cpu().numpy(),
    )


def _to_host(values: Tensor) -> NDArray[np.int64]:
    host: NDArray[np.int64] = values.cpu().numpy().astype(np.int64)
    return host


def mask_statistics(probabilities: Any, labels: Any, masks: Any, void: int = 255) -> MaskStatistics:
    """Statistics of every mask of an image, in one pass.

    Args:
        probabilities: (C, H, W) float32 softmax output, NumPy or torch, on any device.
        labels: (H, W) uint8 current labels, `void` = void.
        masks: (H, W) integer mask ids, 0 = no mask.
        void: Index of void.

    Raises:
        ValueError: See `gather_pixels`.

    Example:
        >>> import numpy as np
        >>> masks = np.array([[1, 1, 0], [1, 4, 4]])
        >>> labels = np.array([[0, 0, 0], [1, 1, 1]], dtype=np.uint8)
        >>> car = np.array([[0.1, 0.2, 0.9], [0.3, 0.8, 0.6]], dtype=np.float32)
        >>> statistics = mask_statistics(np.stack([1 - car, car]), labels, masks)
        >>> statistics.mask_id.tolist(), statistics.pixels.tolist()
        ([1, 4], [3, 2])
        >>> statistics.label.tolist(), statistics.predicted.tolist()
        ([0, 1], [0, 1])
        >>> statistics.mean_probability[:, 1].round(2).tolist()
        [0.20000000298023224, 0.699999988079071]
    """
    pixels = gather_pixels(probabilities, labels, masks, void)
    return to_statistics(pixels, summarise(pixels), masks.shape[1])
