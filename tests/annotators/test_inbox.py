"""The inbox: answers are durable one by one, replace earlier ones, count once, and settle a batch together."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from a2lc.annotators import AnnotatorContext, AnnotatorSettings, Answer, AnswersAnnotator, Inbox, Query
from a2lc.classes import ClassSet
from a2lc.foundation.errors import InputError, WaitingForAnswers
from a2lc.labels.ledger import Ledger
from a2lc.labels.state import LabelState
from a2lc.labels.store import PseudoLabelSet

QUERIES = [Query("a", 1, 1, 2.5, (0, 0)), Query("a", 300, 2, 1.5, (3, 3), pixels="20:2")]


@pytest.fixture
def inbox(tmp_path: Path) -> Inbox:
    return Inbox(tmp_path / "inbox.sqlite")


def test_a_batch_keeps_its_questions(inbox: Inbox, tmp_path: Path) -> None:
    opened = inbox.open_batch(1, 0, QUERIES)
    assert [question.query for question in opened] == QUERIES
    rescored = [replace(query, score=query.score + 1e-12) for query in QUERIES]
    assert Inbox(tmp_path / "inbox.sqlite").open_batch(1, 0, rescored) == opened
    assert inbox.questions(1, 1) == inbox.questions(2, 0) == []


def test_other_questions_start_the_batch_anew(inbox: Inbox) -> None:
    first, _ = inbox.open_batch(1, 0, QUERIES)
    inbox.put(Answer(first.id, "ann", "yes"))
    again, _ = inbox.open_batch(1, 0, [replace(QUERIES[0], label=2), QUERIES[1]])
    assert len(inbox.unsettled(1, 0)) == 2, "a yes to another class says nothing about this one"
    assert inbox.history(first.id) == [Answer(first.id, "ann", "yes")]
    assert inbox.history(again.id) == []


def test_each_answer_outlives_a_kill_before_the_next(inbox: Inbox, tmp_path: Path) -> None:
    first, second = inbox.open_batch(1, 0, QUERIES)
    code = (
        "import os, sys; from pathlib import Path; from a2lc.annotators import Answer, Inbox\n"
        "inbox = Inbox(Path(sys.argv[1])); inbox.put(Answer(int(sys.argv[2]), 'ann', 'mixed', seconds=3.5))\n"
        "os.kill(os.getpid(), 9)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "inbox.sqlite"), str(first.id)]
    assert subprocess.run(command, env=os.environ, check=False).returncode == -9
    assert inbox.history(first.id) == [Answer(first.id, "ann", "mixed", seconds=3.5)]
    assert inbox.unsettled(1, 0) == [second]


def test_a_later_answer_replaces_that_of_the_same_annotator_alone(inbox: Inbox) -> None:
    question, _ = inbox.open_batch(1, 0, QUERIES)
    given = [
        Answer(question.id, "ann", "yes"),
        Answer(question.id, "bob", "class", 2),
        Answer(question.id, "ann", "no"),
    ]
    for answer in given:
        inbox.put(answer)
    assert inbox.history(question.id) == given, "nothing is deleted"
    assert inbox.standing(1, 0) == {question.id: given[1:]}


def test_an_answer_sent_again_counts_once(inbox: Inbox) -> None:
    question, _ = inbox.open_batch(1, 0, QUERIES)
    first = Answer(question.id, "ann", "yes", key="1")
    for answer in (first, Answer(question.id, "ann", "void", key="2"), first):
        inbox.put(answer)
    assert [answer.kind for answer in inbox.history(question.id)] == ["yes", "void"]
    with pytest.raises(InputError, match="the key '1' belongs to another answer"):
        inbox.put(Answer(question.id, "ann", "skip", key="1"))
    assert len(inbox.history(question.id)) == 2


def test_answers_that_arrive_together_are_written_together(inbox: Inbox) -> None:
    question, _ = inbox.open_batch(1, 0, QUERIES)
    with pytest.raises(InputError, match="question 99 was never asked"):
        inbox.put_all([Answer(question.id, "ann", "yes"), Answer(99, "ann", "yes")])
    assert inbox.history(question.id) == []


@pytest.mark.parametrize(
    ("kind", "label", "seconds"), [("class", None, None), ("yes", 2, None), ("perhaps", None, None), ("yes", None, -1)]
)
def test_contradictions_are_refused(kind: str, label: int | None, seconds: float | None) -> None:
    with pytest.raises(ValueError, match="answer"):
        Answer(1, "ann", kind, label, seconds=seconds)  # type: ignore[arg-type]  # a kind by parameter


@pytest.mark.parametrize(
    ("kind", "label", "after"),
    [
        ("class", 2, 2),
        ("yes", None, 1),
        ("void", None, 255),
        ("no", None, None),
        ("unsure", None, None),
        ("mixed", None, None),
        ("skip", None, None),
    ],
)
def test_what_an_answer_decides(kind: str, label: int | None, after: int | None) -> None:
    assert Answer(1, "ann", kind, label).decided(shown=1, void=255) == after  # type: ignore[arg-type]  # a kind by parameter


@pytest.fixture
def context(tiny_set: PseudoLabelSet, classes: ClassSet, tmp_path: Path) -> AnnotatorContext:
    return AnnotatorContext(
        settings=AnnotatorSettings(name="answers"),
        classes=classes,
        image=lambda image_id: np.zeros((4, 6, 3), dtype=np.uint8),
        ground_truth=None,
        inbox=tmp_path / "inbox.sqlite",
        round_index=1,
        batch=0,
        queue=tmp_path / "queue.csv",
    )


def test_a_batch_waits_until_it_is_settled_then_becomes_one_stage(
    context: AnnotatorContext, inbox: Inbox, tiny_set: PseudoLabelSet, tmp_path: Path
) -> None:
    state, ledger = LabelState(tiny_set), Ledger(tmp_path / "ledger.sqlite")
    first, second = AnswersAnnotator(context).ask(QUERIES, state)
    inbox.put(Answer(first.id, "ann", "unsure", door="test", seconds=4.8))
    with pytest.raises(WaitingForAnswers, match="1 questions wait"):
        AnswersAnnotator(context).answer(QUERIES, state)
    inbox.put(Answer(second.id, "bob", "class", 0, door="test"))
    ledger.record(1, 0, "annotate", AnswersAnnotator(context).answer(QUERIES, state))
    one, other = ledger.answers()
    assert (one.label_after, one.relabelled, one.annotator, one.seconds) == (None, False, "ann", 4.8)
    assert (other.label_after, other.relabelled, other.annotator, other.pixels) == (0, True, "bob", "20:2")
    assert inbox.history(first.id)[0].kind == "unsure", "kept for those who can learn from it"


def test_a_filled_queue_read_twice_is_in_the_inbox_once(
    context: AnnotatorContext, inbox: Inbox, tiny_set: PseudoLabelSet, tmp_path: Path
) -> None:
    state, filled = LabelState(tiny_set), tmp_path / "filled.csv"
    said = []
    for answer in ("box", "box", "disc", "box"):
        filled.write_text(f"image_id,mask_id,answer\na,1,{answer}\na,300,skip\n")
        decisions = AnswersAnnotator(replace(context, answers=filled)).answer(QUERIES, state)
        said.append(decisions[0].label_after)
    first, second = inbox.questions(1, 0)
    assert said == [1, 1, 2, 1]
    assert [answer.label for answer in inbox.history(first.id)] == [1, 2, 1]
    assert [answer.kind for answer in inbox.history(second.id)] == ["skip"]


def test_a_queue_with_one_wrong_row_leaves_the_inbox_empty(
    context: AnnotatorContext, inbox: Inbox, tiny_set: PseudoLabelSet
) -> None:
    state = LabelState(tiny_set)
    first, _ = AnswersAnnotator(context).ask(QUERIES, state)
    context.queue.write_text("image_id,mask_id,answer\na,1,yes\na,300,dics\n")
    with pytest.raises(InputError, match="nothing was written"):
        AnswersAnnotator(context).answer(QUERIES, state)
    assert inbox.history(first.id) == []
