"""The simulated annotator: answers from ground truth by the rules of the official codes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from a2lc.annotators.base import Query
from a2lc.annotators.context import AnnotatorContext
from a2lc.annotators.registry import ANNOTATORS, AnnotatorEntry
from a2lc.annotators.settings import AnnotatorSettings
from a2lc.foundation.errors import InputError
from a2lc.foundation.registry import Needs
from a2lc.labels.base import LabelSource
from a2lc.labels.ledger import Decision
from a2lc.labels.state import LabelState


class GroundTruthAnnotator:
    """Knows the ground truth; relabels a mask when at most half of its pixels have the right label.

    Args:
        truth: Ground truth of the training images.
        settings: Rule, agreement threshold and treatment of void.
        void: Index of void.

    Source: A²LC and ALC official oracles (`docs/fidelity.md`).
    """

    def __init__(self, truth: LabelSource, settings: AnnotatorSettings, void: int = 255) -> None:
        self._truth = truth
        self._settings = settings
        self._void = void

    def answer(self, queries: Sequence[Query], state: LabelState) -> list[Decision]:
        """Answer all queries; images are opened once each. Raises InputError when ground truth has another size."""
        decisions: dict[Query, Decision] = {}
        for image_id, group in groupby(sorted(queries, key=lambda q: q.image_id), key=lambda q: q.image_id):
            labels, masks = state.maps(image_id)
            truth = self._truth.labels(image_id)
            if truth.shape != masks.shape:
                raise InputError(
                    f"the ground truth of '{image_id}' is {truth.shape} but its mask map is {masks.shape}: "
                    "they must agree"
                )
            for query in group:
                decisions[query] = self._decide(query, labels, truth, query.inside(masks))
        return [decisions[query] for query in queries]

    def _decide(
        self, query: Query, labels: NDArray[np.uint8], truth: NDArray[np.uint8], inside: NDArray[np.bool_]
    ) -> Decision:
        shown = majority(labels[inside])
        agreement, answer = self._compare(labels[inside], truth[inside], int(truth[query.representative]))
        relabelled = answer is not None and agreement <= self._settings.agreement
        return Decision(
            image_id=query.image_id,
            mask_id=query.mask_id,
            label_before=shown,
            label_after=answer if relabelled else shown,
            relabelled=relabelled,
            queried=True,
            source="ground_truth",
            annotator=f"simulated ({self._settings.rule})",
            pixels=query.pixels,
        )

    def _compare(
        self, labels: NDArray[np.uint8], truth: NDArray[np.uint8], truth_at_representative: int
    ) -> tuple[float, int | None]:
        """Share of the mask's pixels whose label is right, and the right class (None: ground truth says nothing)."""
        if self._settings.void == "ignore":
            known = truth != self._void
            labels, truth = labels[known], truth[known]
        if not truth.size:
            return 1.0, None
        answer = majority(truth) if self._settings.rule == "majority" else truth_at_representative
        if self._settings.void == "ignore" and answer == self._void:
            return 1.0, None
        return float(np.mean(labels == truth)), answer


def majority(values: NDArray[np.uint8]) -> int:
    """Most frequent value of (N,) uint8, N > 0; among equals the one met first, as in the official oracle."""
    counts = np.bincount(values, minlength=256)
    tied = np.flatnonzero(counts == counts.max())
    return int(tied[0]) if len(tied) == 1 else int(values[np.isin(values, tied)][0])


def make_ground_truth(context: AnnotatorContext) -> GroundTruthAnnotator:
    """The simulated annotator of a batch. Raises InputError when the training images have no ground truth."""
    if context.ground_truth is None:
        raise InputError("the annotator is ground_truth but the training images have none: set annotator=answers")
    return GroundTruthAnnotator(context.ground_truth, context.settings, context.classes.void)


ANNOTATORS.register("ground_truth", AnnotatorEntry(make_ground_truth, Needs(ground_truth=True)))
