"""The stage that scores every mask: one pass over the images, however many there are."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from a2lc.acquisition import Candidates, MaskScores, pool_weights, score_candidates
from a2lc.config import RunConfig
from a2lc.heap import trim_heap
from a2lc.labels.ledger import Decision, MaskKey
from a2lc.labels.run_length import decode_runs
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
            "pool": settings.pool,
            "pixels_per_class": counts[:-1].tolist(),
            "class_weights": weights.tolist(),
            "class_imbalance": imbalance,
        }
        scored = _scored(run, round_index, state, with_masks, weights)
        if settings.pool == "pixels":
            scored = _best(scored, run.config.budget)
        table = MaskTable.collect(scored, len(run.dataset.classes), about)
        table.write(run.mask_table_path(round_index), run.dataset.classes, queried if table.of_masks else ())


def pixel_counts(run: Run, state: LabelState, queried: set[MaskKey]) -> tuple[NDArray[np.int64], list[str]]:
    """Pixels (C + 1,) per class and, last, of void under masks not queried so far; and the images to score: those that
    have masks, or all where pixels are asked about.

    The largest images come first: what they allocate is enough for all that follow, so memory stays flat however many
    there are.
    """
    classes, void = len(run.dataset.classes), run.dataset.classes.void
    counts, size = np.zeros(256, dtype=np.int64), {}
    for image_id in tqdm(run.dataset.ids("train"), desc="count", unit="img", disable=None, leave=False):
        masks = state.masks(image_id)
        highest = int(masks.max(initial=0))
        if not highest and run.config.acquisition.pool == "masks":
            continue
        size[image_id] = masks.size
        in_pool = np.array([mask > 0 and (image_id, mask) not in queried for mask in range(highest + 1)])
        counts += np.bincount(state.labels(image_id)[in_pool[masks]], minlength=256)
    return np.append(counts[:classes], counts[void]), sorted(size, key=lambda image_id: -size[image_id])


def _scored(
    run: Run, round_index: int, state: LabelState, image_ids: list[str], weights: NDArray[np.float64]
) -> Iterator[tuple[str, Candidates]]:
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
    asked = _asked_before(run, round_index)
    bar = tqdm(predictions, total=len(image_ids), desc="score", unit="img", disable=None)
    for index, (image_id, (probabilities, *of_features)) in enumerate(bar):
        if index % _TRIM_EVERY == 0:
            trim_heap()
        _log.debug("scoring %s", image_id)
        labels, masks = state.labels(image_id), state.masks(image_id)
        found = score_candidates(
            probabilities,
            labels,
            masks,
            config.acquisition,
            weights,
            void,
            generator=generator(run.seed, round_index, "acquisition", image_id),
            excluded=_covered(asked.get(image_id, ()), masks),
            at_most=config.budget,
        )
        for other in of_features:
            features = mask_statistics(other, labels, masks, void).mean_probability
            found = dataclasses.replace(found, scores=dataclasses.replace(found.scores, mean_probability=features))
        yield image_id, found


def _asked_before(run: Run, round_index: int) -> dict[str, list[Decision]]:
    """By image, the answers that a pool of pixels must not ask for again; a pool of masks goes by mask ids."""
    asked: dict[str, list[Decision]] = {}
    if run.config.acquisition.pool != "masks":
        for decision in run.ledger.answers(before_round=round_index):
            asked.setdefault(decision.image_id, []).append(decision)
    return asked


def _covered(answers: Iterable[Decision], masks: NDArray[np.integer]) -> NDArray[np.bool_] | None:
    covered: NDArray[np.bool_] | None = None
    for answer in answers:
        inside = masks == answer.mask_id if answer.pixels is None else decode_runs(answer.pixels, masks.shape)
        covered = inside if covered is None else covered | inside
    return covered


def _best(scored: Iterator[tuple[str, Candidates]], budget: int) -> Iterator[tuple[str, Candidates]]:
    """Drop what the best so far leave no place for, so that memory does not grow with the number of images."""
    best = np.zeros(0)
    for image_id, found in scored:
        score = found.scores.score
        keep = np.flatnonzero(score >= best[0]) if len(best) == budget else np.arange(len(score))
        best = np.sort(np.concatenate([best, score[keep]]))[-budget:]
        scores = MaskScores(**{name: values[keep] for name, values in vars(found.scores).items()})
        yield image_id, Candidates(scores, tuple(found.expansion[row] for row in keep))


def _scored_without_network(
    run: Run, round_index: int, state: LabelState, image_ids: list[str]
) -> Iterator[tuple[str, Candidates]]:
    """Scores that need no network, with probabilities that prefer no class."""
    classes, settings = run.dataset.classes, run.config.acquisition
    for image_id in tqdm(image_ids, desc="score", unit="img", disable=None):
        _log.debug("scoring %s", image_id)
        labels, masks = state.labels(image_id), state.masks(image_id)
        probabilities = np.full((len(classes), *masks.shape), 1 / len(classes), dtype=np.float32)
        random = generator(run.seed, round_index, "acquisition", image_id)
        yield image_id, score_candidates(probabilities, labels, masks, settings, void=classes.void, generator=random)


def _views(config: RunConfig) -> tuple[ViewName, ...]:
    """The views of the scoring passes; a pass for features only where something learns from them."""
    return config.scoring.views if config.propagation.name != "none" else (config.scoring.view,)
