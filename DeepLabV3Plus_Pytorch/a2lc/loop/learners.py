"""What is learned from the answers of a round for masks that nobody was asked about."""

from __future__ import annotations

import logging

import numpy as np
from numpy.typing import NDArray

from a2lc.acquisition.table import MaskTable, read_mask_table
from a2lc.foundation.seeding import seed_of
from a2lc.labels.ledger import Decision
from a2lc.loop.posterior import revised_labels
from a2lc.loop.run import Run
from a2lc.propagation import propagate as propagate_answers

_log = logging.getLogger(__name__)


def current_labels(run: Run, table: MaskTable) -> NDArray[np.int64]:
    """(M,) majority label of every mask after all decisions made so far."""
    corrections = run.ledger.corrections()
    pairs = zip(table.keys(), table.scores.label.tolist(), strict=True)
    return np.array([corrections.get(image, {}).get(mask, label) for (image, mask), label in pairs], dtype=np.int64)


def propagated(run: Run, round_index: int, batch: int) -> list[Decision]:
    _log.info("%s: propagating the answers of round %d", run.name, round_index)
    table = read_mask_table(run.mask_table_path(round_index))
    if run.config.propagation.name == "posterior":
        return revised_labels(run, table)
    current, keys = current_labels(run, table), table.keys()
    before = run.ledger.queried(up_to_round=round_index - 1)
    answers = {decision.key: decision for decision in run.ledger.decisions_of(round_index) if decision.queried}
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
