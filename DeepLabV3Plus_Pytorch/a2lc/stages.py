"""The stages of a round: train, score, annotate, propagate, evaluate. Each is done once and then skipped.

A stage is finished when its output was renamed into place (files) or committed (ledger).
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from a2lc.acquisition import MaskScores, pool_weights, score_masks
from a2lc.annotators import Annotator, AnswersAnnotator, GroundTruthAnnotator, Query
from a2lc.errors import InputError
from a2lc.evaluation import round_metrics, stage_seconds
from a2lc.files import write_json
from a2lc.heap import trim_heap
from a2lc.labels.ledger import Decision, MaskKey
from a2lc.labels.state import LabelState
from a2lc.mask_table import MaskTable, read_mask_table
from a2lc.propagation import propagate as propagate_answers
from a2lc.run import Run
from a2lc.seeding import generator, seed_of
from a2lc.segmentation import build_network, evaluate_network, load_weights, predict, train

_log = logging.getLogger(__name__)
_TRIM_EVERY = 8  # scored images; more often costs time, more seldom memory


def train_network(run: Run, round_index: int) -> None:
    """Train θ_r from the backbone's initial weights on L_r; continues inside a training that was killed."""
    folder = run.round_folder(round_index)
    if (folder / "training.json").exists():
        return
    _log.info("%s: training θ_%d", run.name, round_index)
    classes = len(run.dataset.classes)
    network = build_network(run.config.network, classes, seed_of(run.seed, round_index, "network")).to(run.device)

    def validate(candidate: torch.nn.Module) -> float:
        truth = run.dataset.validation_truth
        assert truth is not None
        confusion = evaluate_network(
            candidate, run.dataset.ids("val"), run.dataset.image, truth, classes, run.config.training, run.device
        )
        return confusion.mean_iou()

    with run.timed(round_index, "train"):
        result = train(
            network,
            run.dataset.image,
            run.state(round_index),
            run.dataset.ids("train"),
            run.config.training,
            num_classes=classes,
            folder=folder,
            keys=(run.seed, round_index, "train"),
            device=run.device,
            validate=validate if run.dataset.validation_truth else None,
            description=f"train θ_{round_index}",
        )
    write_json(folder / "training.json", dataclasses.asdict(result))


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
    network = build_network(run.config.network.without_weights(), len(run.dataset.classes), seed=0).to(run.device)
    load_weights(network, run.weights_path(round_index - 1))
    settings = run.config.training
    predictions = predict(network, image_ids, run.dataset.image, settings, run.device, settings.workers)
    bar = tqdm(predictions, total=len(image_ids), desc="score", unit="img", disable=None)
    for index, (image_id, probabilities) in enumerate(bar):
        if index % _TRIM_EVERY == 0:
            trim_heap()
        _log.debug("scoring %s", image_id)
        yield (
            image_id,
            score_masks(
                probabilities,
                state.labels(image_id),
                state.masks(image_id),
                run.config.acquisition.name,
                weights,
                run.dataset.classes.void,
                generator(run.seed, round_index, "acquisition", image_id),
            ),
        )


def select_queries(run: Run, round_index: int, batch: int) -> list[Query]:
    """The next questions of a round: the best masks never asked about, shown with their current label."""
    asked_now = sum(decision.queried for decision in run.ledger.decisions(round_index))
    left = run.config.budget - asked_now
    table = read_mask_table(run.mask_table_path(round_index))
    rows = table.select(min(run.config.inner_batch or left, left), run.ledger.queried())
    if not batch and len(rows) < min(run.config.inner_batch or left, left):
        _log.warning("%s: only %d masks are left, fewer than the budget of %d", run.name, len(rows), left)
    current = current_labels(run, table)
    return [
        Query(
            image_id=table.image_id[row],
            mask_id=int(table.scores.mask_id[row]),
            label=int(current[row]),
            score=float(table.scores.score[row]),
            representative=(int(table.scores.representative[row, 0]), int(table.scores.representative[row, 1])),
        )
        for row in rows
    ]


def current_labels(run: Run, table: MaskTable) -> NDArray[np.int64]:
    """(M,) majority label of every mask after all decisions made so far."""
    corrections = run.ledger.corrections()
    pairs = zip(table.keys(), table.scores.label.tolist(), strict=True)
    return np.array([corrections.get(image, {}).get(mask, label) for (image, mask), label in pairs], dtype=np.int64)


def make_annotator(run: Run, round_index: int, batch: int) -> Annotator:
    """The annotator of the configuration."""
    if run.config.annotator.name == "answers":
        queue = run.queue_path(round_index, batch)
        return AnswersAnnotator(queue, queue, run.dataset.image, run.dataset.classes)
    if run.dataset.ground_truth is None:
        raise InputError("the annotator is ground_truth but the training images have none: set annotator=answers")
    return GroundTruthAnnotator(run.dataset.ground_truth, run.config.annotator, run.dataset.classes.void)


def annotate(run: Run, round_index: int, batch: int, annotator: Annotator | None = None) -> None:
    """Ask an annotator (None: the configured one) about the next masks and record all answers in one transaction."""
    if run.ledger.is_done(round_index, batch, "annotate"):
        return
    _log.info("%s: asking about masks of round %d", run.name, round_index)
    with run.timed(round_index, "annotate"):
        queries = select_queries(run, round_index, batch)
        annotator = annotator or make_annotator(run, round_index, batch)
        decisions = annotator.answer(queries, run.state()) if queries else []
    run.ledger.record(round_index, batch, "annotate", decisions)


def propagate(run: Run, round_index: int, batch: int) -> None:
    """Learn from the answers of this round and correct masks that nobody was asked about."""
    if run.ledger.is_done(round_index, batch, "propagate"):
        return
    with run.timed(round_index, "propagate"):
        decisions = _propagated(run, round_index, batch) if run.config.propagation.name != "none" else []
    run.ledger.record(round_index, batch, "propagate", decisions)


def _propagated(run: Run, round_index: int, batch: int) -> list[Decision]:
    _log.info("%s: propagating the answers of round %d", run.name, round_index)
    table = read_mask_table(run.mask_table_path(round_index))
    current, keys = current_labels(run, table), table.keys()
    before = run.ledger.queried(before_round=round_index)
    answers = {decision.key: decision for decision in run.ledger.decisions(round_index) if decision.queried}
    void = run.dataset.classes.void
    given = [answers[key].label_after if key in answers else None for key in keys]
    result = propagate_answers(
        features=table.scores.mean_probability,
        current=current,
        queried_now=np.array([key in answers for key in keys], dtype=bool),
        answered=np.array([void if label is None else label for label in given], dtype=np.int64),
        shown=np.array([answers[key].label_before if key in answers else void for key in keys], dtype=np.int64),
        queried_before=np.array([key in before for key in keys], dtype=bool),
        num_classes=len(run.dataset.classes),
        settings=run.config.propagation,
        round_index=round_index,
        seed=seed_of(run.seed, round_index, "propagation", batch),
    )
    return [
        Decision(
            image_id=keys[row][0],
            mask_id=keys[row][1],
            label_before=int(current[row]),
            label_after=int(result.predicted[row]),
            relabelled=True,
            queried=False,
            source="lcm",
            confidence=float(result.confidence[row]),
        )
        for row in np.flatnonzero(result.change)
    ]


def evaluate(run: Run, round_index: int) -> None:
    """Measure L_r and θ_r and write metrics.json; the round is DONE."""
    folder = run.round_folder(round_index)
    if (folder / "DONE").exists():
        return
    _log.info("%s: evaluating round %d", run.name, round_index)
    with run.timed(round_index, "evaluate"):
        metrics = round_metrics(run, round_index)
    write_json(folder / "metrics.json", metrics | stage_seconds(run, round_index))
    (folder / "DONE").touch()
    _log.info("%s: round %d is done: %s", run.name, round_index, summary_line(metrics))


def summary_line(metrics: dict[str, object]) -> str:
    """The most telling numbers of a round in a line."""
    shown = {"clicks": "clicks", "data_miou": "data mIoU", "model_miou_best": "model mIoU (best)"}
    parts = [f"{text} {metrics[key]:.4g}" for key, text in shown.items() if metrics.get(key) is not None]
    return ", ".join(parts)
