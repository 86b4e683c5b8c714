"""The stage that scores every mask: one pass over the images, however many there are, shared by the processes."""

from __future__ import annotations

import dataclasses
import logging
import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from a2lc.acquisition import Candidates, MaskScores, pool_weights, score_candidates
from a2lc.acquisition.table import MaskTable
from a2lc.foundation.bars import bar
from a2lc.foundation.ids import MaskKey
from a2lc.foundation.memory import trim_heap
from a2lc.foundation.processes import on_main
from a2lc.foundation.seeding import generator
from a2lc.labels.ledger import Decision
from a2lc.labels.run_length import decode_runs
from a2lc.labels.state import LabelState
from a2lc.loop.config import RunConfig
from a2lc.loop.features import Sight, sight
from a2lc.loop.finished import complete_record, record_mask_table
from a2lc.loop.learners import LEARNERS
from a2lc.loop.run import Run
from a2lc.mask_statistics import mask_statistics
from a2lc.segmentation import (
    DeepLabV3Plus,
    Features,
    ScoringNetwork,
    ViewName,
    build_network,
    load_weights,
    make_objective,
    make_view,
    predict_batches,
)
from a2lc.segmentation.transforms import as_sample

_log = logging.getLogger(__name__)
_TRIM_EVERY = 8  # scored images; more often costs time, more seldom memory

Scored = tuple[str, Candidates]


@dataclass(frozen=True)
class _Past:
    """What happened before a round.

    Attributes:
        state: L_{r-1}.
        queried: Masks that were asked about.
        asked: By image, the answers that a pool of pixels must not ask for again; empty for a pool of masks.
    """

    state: LabelState
    queried: frozenset[MaskKey]
    asked: Mapping[str, Sequence[Decision]]


def score(run: Run, round_index: int) -> None:
    """Score every mask with θ_{r-1} on L_{r-1}, reading each image once, and write the mask table.

    Every process scores its share of the images, the main one puts them together: with as many threads in each, the
    table does not depend on the number of processes.
    """
    if run.has(run.mask_table_path(round_index)):
        on_main(complete_record)(run, round_index)
        return
    _log.info("%s: scoring the masks of round %d", run.name, round_index)
    with run.timed(round_index, "score"):
        past = _past(run, round_index)
        counts, batches = pixel_counts(run, past.state, past.queried)
        settings = run.config.acquisition
        weights, imbalance = pool_weights(counts, settings.smoothing, settings.count_void)
        about = {
            "acquisition": settings.name,
            "pool": settings.pool,
            "pixels_per_class": counts[:-1].tolist(),
            "class_weights": weights.tolist(),
            "class_imbalance": imbalance,
        }
        scored = _scored(run, round_index, past, run.processes.share(batches), weights)
        if settings.pool == "pixels":
            scored = best_of_share(scored, run.config.budget)
        found = run.processes.collect(list(scored))
    _write(run, round_index, past, found, batches, about)  # last: whoever is killed before has its seconds noted


@on_main
def _past(run: Run, round_index: int) -> _Past:
    """What the ledger tells of the rounds before."""
    asked: dict[str, list[Decision]] = {}
    if run.config.acquisition.pool != "masks":
        for decision in run.ledger.answers(up_to_round=round_index - 1):
            asked.setdefault(decision.image_id, []).append(decision)
    queried = frozenset(run.ledger.queried(up_to_round=round_index - 1))
    return _Past(run.state(round_index - 1), queried, asked)


def _in_order(found: Sequence[Sequence[Scored]], batches: Sequence[Sequence[str]]) -> list[Scored]:
    """What all processes found, in the order in which a single one scores."""
    by_image = {image_id: candidates for share in found for image_id, candidates in share}
    return [(image_id, by_image[image_id]) for batch in batches for image_id in batch]


@on_main
def _write(
    run: Run,
    round_index: int,
    past: _Past,
    found: Sequence[Sequence[Scored]],
    batches: Sequence[Sequence[str]],
    about: Mapping[str, object],
) -> None:
    """Write the mask table of what all processes found."""
    scored = _in_order(found, batches)
    if run.config.acquisition.pool == "pixels":
        scored = best_of_all(scored, run.config.budget)
    table = MaskTable.collect(scored, len(run.dataset.classes), about)
    table.write(run.mask_table_path(round_index), run.dataset.classes, past.queried if table.of_masks else ())
    record_mask_table(run, round_index)


def pixel_counts(
    run: Run, state: LabelState, queried: Collection[MaskKey]
) -> tuple[NDArray[np.int64], list[tuple[str, ...]]]:
    """Pixels (C + 1,) per class and, last, of void under masks not queried so far; and the images to score, in batches
    of equal size: those that have masks, or all where pixels are asked about.

    The largest images come first: what they allocate is enough for all that follow, so memory stays flat however many
    there are.
    """
    processes = run.processes
    classes = len(run.dataset.classes)
    void = run.dataset.classes.void
    ids = run.dataset.ids("train")
    counts = np.zeros(256, dtype=np.int64)
    shapes = {}
    for image_id in bar(processes.share(ids), "count", leave=False):
        labels, masks = state.maps(image_id)
        highest = int(masks.max(initial=0))
        if not highest and run.config.acquisition.pool == "masks":
            continue
        shapes[image_id] = masks.shape
        in_pool = np.array([mask > 0 and (image_id, mask) not in queried for mask in range(highest + 1)])
        counts += np.bincount(labels[in_pool[masks]], minlength=256)
    counted = processes.gather((counts, shapes))
    total = sum((part for part, _ in counted), start=np.zeros_like(counts))
    every = {image_id: shape for _, part in counted for image_id, shape in part.items()}
    by_size = sorted(
        (image_id for image_id in ids if image_id in every), key=lambda image_id: -math.prod(every[image_id])
    )
    return np.append(total[:classes], total[void]), equal_batches(by_size, every, run.config.scoring.batch_size)


def equal_batches(image_ids: Sequence[str], shapes: Mapping[str, tuple[int, ...]], size: int) -> list[tuple[str, ...]]:
    """Batches of at most `size` images of one shape, a function of the list alone; in the order of their first images.

    Args:
        image_ids: The images.
        shapes: Image id → (H, W).
        size: Images per batch.
    """
    batches: list[list[str]] = []
    open_batch: dict[tuple[int, ...], list[str]] = {}
    for image_id in image_ids:
        batch = open_batch.get(shapes[image_id], [])
        if len(batch) % size == 0:
            batches.append(batch := [])
            open_batch[shapes[image_id]] = batch
        batch.append(image_id)
    return [tuple(batch) for batch in batches]


@dataclass(frozen=True)
class _Sample:
    """Image id → image (3, H, W) uint8 or its features, labels (H, W) uint8 and masks (H, W) int32, for the processes
    that load."""

    images: Sight
    state: LabelState

    def __call__(self, image_id: str) -> tuple[Tensor | Features, Tensor, Tensor]:
        labels, masks = self.state.maps(image_id)
        return as_sample(self.images(image_id)), torch.tensor(labels), torch.tensor(masks)


def _scored(
    run: Run, round_index: int, past: _Past, batches: Sequence[tuple[str, ...]], weights: NDArray[np.float64]
) -> Iterator[Scored]:
    """This process's images with what may be asked about in each, scored by the network of the round before."""
    config = run.config
    void = run.dataset.classes.void
    image_ids = [image_id for batch in batches for image_id in batch]
    if not config.training.iterations:
        yield from _scored_without_network(run, round_index, past.state, image_ids)
        return
    objective = make_objective(config.training, len(run.dataset.classes), void)
    network = build_network(config.network.without_weights(), objective.channels, seed=0)
    load_weights(network, run.weights_path(round_index - 1))
    names = _views(config)
    views = [make_view(name, config.training.crop, config.scoring.shift) for name in names]
    predictions = predict_batches(
        ScoringNetwork(network, config.scoring, run.device),
        batches,
        _Sample(_seen(run, network, names), past.state),
        config.training,
        run.device,
        views,
        config.training.workers,
        objective=objective,
    )
    named = zip(image_ids, predictions, strict=True)
    for index, (image_id, ((labels, masks), (probabilities, *of_features))) in enumerate(
        bar(named, "score", len(image_ids))
    ):
        if index % _TRIM_EVERY == 0:
            trim_heap()
        _log.debug("scoring %s", image_id)
        found = score_candidates(
            probabilities,
            labels.to(run.device, non_blocking=True),
            masks.to(run.device, non_blocking=True),
            config.acquisition,
            weights,
            void,
            generator=generator(run.seed, round_index, "acquisition", image_id),
            excluded=_covered(past.asked.get(image_id, ()), masks.numpy()),
            at_most=config.budget,
        )
        for other in of_features:
            features = mask_statistics(other, labels, masks, void).mean_probability
            found = dataclasses.replace(found, scores=dataclasses.replace(found.scores, mean_probability=features))
        yield image_id, found


def _seen(run: Run, network: DeepLabV3Plus, names: Sequence[ViewName]) -> Sight:
    """What the network sees of the training images: kept features are those of images as they are."""
    if not run.config.training.on_features or set(names) != {"native"}:
        return run.dataset.image
    ids = run.dataset.ids("train")
    network.to(run.device)
    return sight(run.config, run.dataset, network, run.device, digests=run.digests, judges=ids, processes=run.processes)


def _covered(answers: Iterable[Decision], masks: NDArray[np.integer]) -> NDArray[np.bool_] | None:
    """The pixels (H, W) bool that earlier answers were about; None = none."""
    covered: NDArray[np.bool_] | None = None
    for answer in answers:
        inside = masks == answer.mask_id if answer.pixels is None else decode_runs(answer.pixels, masks.shape)
        covered = inside if covered is None else covered | inside
    return covered


def best_of_share(scored: Iterable[Scored], budget: int) -> Iterator[Scored]:
    """Drop what the best so far leave no place for, so that memory does not grow with the number of images.

    Args:
        scored: What one process finds, image by image; every image comes out again, maybe without any row.
        budget: Number of the best to keep, over all images; ties are kept, too.
    """
    best = np.zeros(0)
    for image_id, found in scored:
        score = found.scores.score
        keep = np.flatnonzero(score >= best[0]) if len(best) == budget else np.arange(len(score))
        best = np.sort(np.concatenate([best, score[keep]]))[-budget:]
        yield image_id, _rows(found, keep)


def best_of_all(scored: Sequence[Scored], budget: int) -> list[Scored]:
    """Keep what is as good as the last of the `budget` best: no matter in what order, or where, it was found.

    Args:
        scored: What is left of all images, of all processes.
        budget: Number of the best over all images.
    """
    best = np.sort(np.concatenate([np.zeros(0), *(found.scores.score for _, found in scored)]))[-budget:]
    last = best.min(initial=np.inf)
    return [(image_id, _rows(found, np.flatnonzero(found.scores.score >= last))) for image_id, found in scored]


def _rows(found: Candidates, keep: NDArray[np.intp]) -> Candidates:
    """Some of the candidates of an image."""
    scores = MaskScores(**{name: values[keep] for name, values in vars(found.scores).items()})
    return Candidates(scores, tuple(found.expansion[row] for row in keep))


def _scored_without_network(
    run: Run, round_index: int, state: LabelState, image_ids: Sequence[str]
) -> Iterator[Scored]:
    """Scores that need no network, with probabilities that prefer no class."""
    classes = run.dataset.classes
    settings = run.config.acquisition
    for image_id in bar(image_ids, "score"):
        _log.debug("scoring %s", image_id)
        labels, masks = state.maps(image_id)
        probabilities = np.full((len(classes), *masks.shape), 1 / len(classes), dtype=np.float32)
        random = generator(run.seed, round_index, "acquisition", image_id)
        yield image_id, score_candidates(probabilities, labels, masks, settings, void=classes.void, generator=random)


def _views(config: RunConfig) -> tuple[ViewName, ...]:
    """The views of the scoring passes; a pass for features only where something learns from them."""
    learns = LEARNERS[config.propagation.name].features
    return config.scoring.views if learns else (config.scoring.view,)
