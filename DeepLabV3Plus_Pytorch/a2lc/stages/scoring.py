"""The stage that scores every mask: one pass over the images, however many there are."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from a2lc.acquisition import MaskScores, pool_weights, score_masks
from a2lc.config import RunConfig
from a2lc.heap import trim_heap
from a2lc.labels.ledger import MaskKey
from a2lc.labels.state import LabelState
from a2lc.mask_statistics import mask_statistics
from a2lc.mask_table import MaskTable
from a2lc.run import Run
from a2lc.seeding import generator
from a2lc.segmentation import ViewName, build_network, load_weights, make_view, predict_views

_log = logging.getLogger(__name__)
_TRIM_EVERY = 8  # scored images; more often costs time, more seldom memory


def score(run: Run, round_index: int) -> None:
    """Score every mask with θ_{r-1} on L_{r-1}, reading each image once, and write the mask table."""
    if run.mask_table_path(round_index).exists():
        return
    _log.info("%s: scoring the masks of round %d", run.name, round_index)
    state, queried = run.state(round_index - 1), set(run.ledger.queried(before_round=round_index))
    with run.timed(round_index, "score"):
        counts, with_masks = pixel_counts(run, state, queried)
        settings = run.config.acquisition
        weights, imbalance = pool_weights(counts, settings.smoothing, settings.count_void)
        about = {
            "acquisition": settings.name,
            "pixels_per_class": counts[:-1].tolist(),
            "class_weights": weights.tolist(),
            "class_imbalance": imbalance,
        }
        scored = _scored(run, round_index, state, with_masks, weights)
        table = MaskTable.collect(scored, len(run.dataset.classes), about)
        table.write(run.mask_table_path(round_index), run.dataset.classes, queried)


def pixel_counts(run: Run, state: LabelState, queried: set[MaskKey]) -> tuple[NDArray[np.int64], list[str]]:
    """Pixels (C + 1,) per class and, last, of void under masks not queried so far; and the images that have masks.

    The largest images come first: what they allocate is enough for all that follow, so memory stays flat however many
    there are.
    """
    classes, void = len(run.dataset.classes), run.dataset.classes.void
    counts, size = np.zeros(256, dtype=np.int64), {}
    for image_id in tqdm(run.dataset.ids("train"), desc="count", unit="img", disable=None, leave=False):
        masks = state.masks(image_id)
        highest = int(masks.max(initial=0))
        if not highest:
            continue
        size[image_id] = masks.size
        in_pool = np.array([mask > 0 and (image_id, mask) not in queried for mask in range(highest + 1)])
        counts += np.bincount(state.labels(image_id)[in_pool[masks]], minlength=256)
    return np.append(counts[:classes], counts[void]), sorted(size, key=lambda image_id: -size[image_id])


def _scored(
    run: Run, round_index: int, state: LabelState, image_ids: list[str], weights: NDArray[np.float64]
) -> Iterator[tuple[str, MaskScores]]:
    config, void = run.config, run.dataset.classes.void
    if not config.training.iterations:
        yield from _scored_without_network(run, round_index, state, image_ids)
        return
    network = build_network(config.network.without_weights(), len(run.dataset.classes), seed=0).to(run.device)
    load_weights(network, run.weights_path(round_index - 1))
    views = [make_view(name, config.training.crop, config.scoring.shift) for name in _views(config)]
    predictions = predict_views(
        network, image_ids, run.dataset.image, config.training, run.device, views, config.training.workers
    )
    bar = tqdm(predictions, total=len(image_ids), desc="score", unit="img", disable=None)
    for index, (image_id, (probabilities, *of_features)) in enumerate(bar):
        if index % _TRIM_EVERY == 0:
            trim_heap()
        _log.debug("scoring %s", image_id)
        labels, masks = state.labels(image_id), state.masks(image_id)
        random = generator(run.seed, round_index, "acquisition", image_id)
        scores = score_masks(probabilities, labels, masks, config.acquisition.name, weights, void, random)
        for other in of_features:
            features = mask_statistics(other, labels, masks, void).mean_probability
            scores = dataclasses.replace(scores, mean_probability=features)
        yield image_id, scores


def _scored_without_network(
    run: Run, round_index: int, state: LabelState, image_ids: list[str]
) -> Iterator[tuple[str, MaskScores]]:
    """Scores that need no network, with probabilities that prefer no class."""
    classes, name = run.dataset.classes, run.config.acquisition.name
    for image_id in tqdm(image_ids, desc="score", unit="img", disable=None):
        _log.debug("scoring %s", image_id)
        labels, masks = state.labels(image_id), state.masks(image_id)
        probabilities = np.full((len(classes), *masks.shape), 1 / len(classes), dtype=np.float32)
        random = generator(run.seed, round_index, "acquisition", image_id)
        yield image_id, score_masks(probabilities, labels, masks, name, void=classes.void, generator=random)


def _views(config: RunConfig) -> tuple[ViewName, ...]:
    """The views of the scoring passes; a pass for features only where something learns from them."""
    return config.scoring.views if config.propagation.name != "none" else (config.scoring.view,)
