"""What every registered annotator promises, and one that another package would add."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError

from a2lc.annotators import ANNOTATORS, Annotator, AnnotatorContext, AnnotatorEntry, AnnotatorSettings, Query
from a2lc.classes import ClassSet
from a2lc.foundation.errors import InputError
from a2lc.labels.ledger import Decision, Ledger
from a2lc.labels.state import LabelState
from a2lc.labels.store import PseudoLabelSet

QUERIES = [Query("a", 300, 2, 1.5, (3, 3)), Query("a", 1, 1, 0.5, (0, 0))]


class Agrees:
    """Says yes to everything."""

    def answer(self, queries: Sequence[Query], state: LabelState) -> list[Decision]:
        return [Decision(q.image_id, q.mask_id, q.label, q.label, False, True, "answers", "toy") for q in queries]


def make_agreeing(context: AnnotatorContext) -> Annotator:
    return Agrees()


ANNOTATORS.register("toy", AnnotatorEntry(make_agreeing))


class Discs:
    """Ground truth in which everything is a disc."""

    def labels(self, image_id: str) -> NDArray[np.uint8]:
        return np.full((4, 6), 2, dtype=np.uint8)


@pytest.fixture(params=ANNOTATORS.names())
def context(request: pytest.FixtureRequest, classes: ClassSet, tmp_path: Path) -> AnnotatorContext:
    """Everything that an annotator may need: ground truth, and a queue that somebody has filled."""
    filled = tmp_path / "filled.csv"
    filled.write_text("image_id,mask_id,answer\na,300,yes\na,1,disc\n")
    return AnnotatorContext(
        settings=AnnotatorSettings(name=request.param),
        classes=classes,
        image=lambda image_id: np.zeros((4, 6, 3), dtype=np.uint8),
        ground_truth=Discs(),
        inbox=tmp_path / "inbox.sqlite",
        round_index=1,
        batch=0,
        queue=tmp_path / "queue.csv",
        answers=filled,
    )


def make(context: AnnotatorContext) -> Annotator:
    return ANNOTATORS[context.settings.name].make(context)


def test_every_question_is_decided_in_its_order(
    context: AnnotatorContext, tiny_set: PseudoLabelSet, classes: ClassSet
) -> None:
    decisions = make(context).answer(QUERIES, LabelState(tiny_set))
    assert [decision.key for decision in decisions] == [(query.image_id, query.mask_id) for query in QUERIES]
    assert [decision.label_before for decision in decisions] == [query.label for query in QUERIES]
    valid = {None, classes.void, *range(len(classes))}
    for decision in decisions:
        assert decision.queried
        assert decision.label_after in valid
        assert not decision.relabelled or decision.label_after not in (None, decision.label_before)


def test_the_same_questions_get_the_same_answers(context: AnnotatorContext, tiny_set: PseudoLabelSet) -> None:
    state = LabelState(tiny_set)
    assert make(context).answer(QUERIES, state) == make(context).answer(QUERIES, state)


def test_the_ledger_takes_the_decisions(context: AnnotatorContext, tiny_set: PseudoLabelSet, tmp_path: Path) -> None:
    decisions, ledger = make(context).answer(QUERIES, LabelState(tiny_set)), Ledger(tmp_path / "ledger.sqlite")
    ledger.record(1, 0, "annotate", decisions)
    assert ledger.answers() == decisions


def test_ground_truth_is_needed_where_it_is_declared_and_only_there(
    context: AnnotatorContext, tiny_set: PseudoLabelSet
) -> None:
    without = replace(context, ground_truth=None)
    if ANNOTATORS[context.settings.name].needs.ground_truth:
        with pytest.raises(InputError, match="set annotator=answers"):
            make(without)
    else:
        assert len(make(without).answer(QUERIES, LabelState(tiny_set))) == len(QUERIES)


def test_a_name_that_is_not_registered_is_refused_with_the_nearest() -> None:
    with pytest.raises(ValidationError, match="did you mean answers"):
        AnnotatorSettings(name="answer")
