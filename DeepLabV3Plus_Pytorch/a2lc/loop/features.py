"""What networks see of the images of a data set: the images, or what a frozen backbone made of them once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from a2lc.datasets import Dataset
from a2lc.foundation.digests import FileDigests
from a2lc.foundation.processes import Processes
from a2lc.loop.config import RunConfig
from a2lc.segmentation import (
    NATIVE,
    CachedFeatures,
    DeepLabV3Plus,
    Features,
    compute_features,
    decode_once,
    open_features,
    training_views,
)

Sight = Callable[[str], NDArray[np.uint8] | Features]
_ALONE = Processes()


def sight(
    config: RunConfig,
    dataset: Dataset,
    network: DeepLabV3Plus,
    device: torch.device,
    *,
    digests: FileDigests,
    learns: Sequence[str] = (),
    judges: Sequence[str] = (),
    processes: Processes = _ALONE,
) -> Sight:
    """What a network sees of images; features that are not kept yet are computed first.

    Args:
        config: Says whether features are kept, and where.
        dataset: The images.
        network: Its backbone has the weights that it will keep; on `device`.
        device: Where to compute.
        digests: What is known of the images' files.
        learns: Images that the network learns from, in all views of the training.
        judges: Images that it judges as they are.
        processes: Those that work together; all call this.

    Returns:
        Image id → RGB (H, W, 3) uint8, or features; picklable if the data set is.
    """
    if not config.training.on_features:
        return decode_once(dataset, config.training.cache)
    cache = kept_features(config, dataset, network, digests)
    wanted = [(image_id, view) for image_id in learns for view in training_views(config.training)]
    wanted += [(image_id, NATIVE) for image_id in judges]
    compute_features(network, cache, wanted, config.training, device, processes)
    return cache


def kept_features(config: RunConfig, dataset: Dataset, network: DeepLabV3Plus, digests: FileDigests) -> CachedFeatures:
    """The features that are kept already; images without them are seen as images."""
    return open_features(dataset, features_folder(config), network, config.network, config.training, digests)


def features_folder(config: RunConfig) -> Path:
    """Where computed features are kept."""
    return config.training.features_folder or config.output / "features"
