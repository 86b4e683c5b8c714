"""AIoU: acquisitions that look at connected components of the label map and of the prediction.

ALC names AIoU as a baseline and does not define it; here are the two readings of it, each by its name. Components are
4-connected regions of one class; void labels are replaced by the prediction first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from skimage.measure import label as connected_components
from torch import Tensor

from a2lc.acquisition.functions import AcquisitionContext
from a2lc.mask_statistics import MaskPixels, MaskSummary


@dataclass(frozen=True)
class Components:
    """The connected components of a map of classes.

    Attributes:
        index: (H·W,) int64, component 0..K-1 of every pixel.
        classes: (K,) int64, its class.
        size: (K,) int64, its pixels.
    """

    index: NDArray[np.int64]
    classes: NDArray[np.int64]
    size: NDArray[np.int64]


def component_error(pixels: MaskPixels, summary: MaskSummary, context: AcquisitionContext) -> Tensor:
    """AIoU, read as an error averaged over components: mean over x in E of the mean of c over x's label component.

    In [0, 1]; higher = worse label. Where a mask is a component of its own, it equals LCIL.
    Source: ALC on Rottmann & Reese: error scores averaged over connected components that share a pseudo-label.
    """
    labels = context.known_labels()
    components = find_components(labels.cpu().numpy())
    error = 1 - context.probabilities.gather(0, labels[None])[0].double().cpu().numpy().ravel()
    mean = np.bincount(components.index, weights=error) / components.size
    return _mean_at(pixels, mean[components.index])


def component_disagreement(pixels: MaskPixels, summary: MaskSummary, context: AcquisitionContext) -> Tensor:
    """AIoU, read as adjusted IoU: mean over x in E of 1 - IoU_adj of the predicted component that holds x.

    In [0, 1]; higher = the prediction agrees less with the labels around. See `adjusted_iou`.
    Source: Rottmann & Reese 2022; adjusted IoU as in MetaSeg.
    """
    predicted = find_components(context.probabilities.argmax(0).cpu().numpy())
    labels = find_components(context.known_labels().cpu().numpy())
    disagreement = 1 - adjusted_iou(predicted, labels)
    return _mean_at(pixels, disagreement[predicted.index])


def find_components(classes: NDArray[np.integer]) -> Components:
    """The 4-connected components of a map of classes (H, W)."""
    index = connected_components(classes, background=-1, connectivity=1).ravel().astype(np.int64) - 1
    of_component = np.zeros(int(index.max(initial=-1)) + 1, dtype=np.int64)
    of_component[index] = classes.ravel()
    return Components(index, of_component, np.bincount(index, minlength=len(of_component)))


def adjusted_iou(predicted: Components, labels: Components) -> NDArray[np.float64]:
    """IoU of every predicted component k with the label components of its class that it touches.

    IoU_adj(k) = |k ∩ K'| / |k ∪ (K' \\ Q')|, with K' the union of the label components of k's class that share a pixel
    with k, and Q' the other predicted components of the class that share a pixel with K': what another prediction
    covers already is not held against k.

    Returns:
        (K,) float64 in [0, 1], one per predicted component.
    """
    count = len(labels.classes)
    pair, shared = np.unique(predicted.index * count + labels.index, return_counts=True)
    k, component = np.divmod(pair, count)
    same = predicted.classes[k] == labels.classes[component]
    k = k[same]
    component = component[same]
    shared = shared[same]
    covered = np.bincount(component, weights=shared, minlength=count)  # by any prediction of the class
    size = len(predicted.classes)
    intersection = np.bincount(k, weights=shared, minlength=size)
    uncovered = np.bincount(k, weights=(labels.size - covered)[component], minlength=size)  # |K' \ (k ∪ Q')|
    return intersection / (predicted.size + uncovered)


def _mean_at(pixels: MaskPixels, values: NDArray[np.float64]) -> Tensor:
    """The mean of values (H, W) over the pixels of each mask."""
    return pixels.mean(torch.as_tensor(values, device=pixels.position.device)[pixels.position])
