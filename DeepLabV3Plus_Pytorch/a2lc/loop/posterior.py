"""The answer posterior in the loop: the ledger's answers in, the order of the next questions and new labels out."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from a2lc.acquisition.table import MaskTable
from a2lc.labels.ledger import Decision, MaskKey
from a2lc.loop.run import Run
from a2lc.posterior import Belief, ImageMasks, MaskPool, PosteriorModel, describe_masks

_log = logging.getLogger(__name__)


def renewed_order(run: Run, table: MaskTable) -> tuple[MaskTable, set[MaskKey]]:
    """The mask table with the scores of the posterior, and the masks that are not to be asked about (again)."""
    pool, keys = mask_pool(run), table.keys()
    model, belief = _believe(run, pool, table)
    row = _positions(pool.keys())
    score = model.score(belief)[[row[key] for key in keys]]
    skipped = {decision.key for decision in run.ledger.decisions() if decision.queried and decision.label_after is None}
    closed = {key for key, value in zip(keys, score, strict=True) if not np.isfinite(value)}
    scores = dataclasses.replace(table.scores, score=np.where(np.isfinite(score), score, 0.0))
    return dataclasses.replace(table, scores=scores), closed | skipped


def revised_labels(run: Run, table: MaskTable) -> list[Decision]:
    """Decisions that set every mask to what is believed now: a later answer can take back an earlier one of these."""
    pool, void = mask_pool(run), run.dataset.classes.void
    _, belief = _believe(run, pool, table)
    corrections = run.ledger.corrections()
    decisions = []
    for row, key in enumerate(pool.keys()):
        before = corrections.get(key[0], {}).get(key[1], _label(pool.label[row], pool, void))
        after = _label(belief.label[row], pool, void)
        if before != after:
            confidence = float(belief.probability[row, after]) if after != void else None
            decisions.append(
                Decision(
                    image_id=key[0],
                    mask_id=key[1],
                    label_before=before,
                    label_after=after,
                    relabelled=True,
                    queried=False,
                    source="posterior",
                    confidence=confidence,
                )
            )
    return decisions


def mask_pool(run: Run) -> MaskPool:
    """The masks of all training images, described once per seed and then read back."""
    path = run.seed_folder / "round_0" / "mask_pool.npz"
    if not path.exists():
        _log.info("%s: describing the masks", run.name)
        classes = run.dataset.classes
        background = 0 if classes.unmasked == "background" else None
        MaskPool.collect(_described(run), len(classes), background).write(path)
    return MaskPool.read(path)


def _described(run: Run) -> Iterator[tuple[str, ImageMasks]]:
    for image_id in tqdm(run.dataset.ids("train"), desc="describe masks", unit="img", disable=None, leave=False):
        labels, masks = run.first_labels.labels(image_id), run.first_labels.masks(image_id)
        yield image_id, describe_masks(labels, masks, len(run.dataset.classes))


def _believe(run: Run, pool: MaskPool, table: MaskTable) -> tuple[PosteriorModel, Belief]:
    model = PosteriorModel(pool, run.config.posterior, run.seed, _network_view(run, pool, table))
    return model, model.update(_votes(run, pool))


def _votes(run: Run, pool: MaskPool) -> NDArray[np.int64]:
    """(M, C + 1) answers in the ledger; a skipped question is none."""
    votes = np.zeros((len(pool), pool.num_classes + 1), dtype=np.int64)
    row = _positions(pool.keys())
    for decision in run.ledger.decisions():
        if decision.queried and decision.label_after is not None:
            votes[row[decision.key], min(decision.label_after, pool.num_classes)] += 1
    return votes


def _network_view(run: Run, pool: MaskPool, table: MaskTable) -> NDArray[np.float32] | None:
    """(M, C) mean probabilities in the order of the pool; None without a trained network."""
    if not run.config.training.iterations or not run.config.posterior.network_statistics:
        return None
    row, keys = _positions(table.keys()), pool.keys()
    return table.scores.mean_probability[[row[key] for key in keys]]


def _positions(keys: list[MaskKey]) -> dict[MaskKey, int]:
    return {key: position for position, key in enumerate(keys)}


def _label(label: int, pool: MaskPool, void: int) -> int:
    return int(label) if label < pool.num_classes else void
