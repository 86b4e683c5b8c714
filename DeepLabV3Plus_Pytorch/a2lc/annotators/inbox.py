"""The inbox: single answers as people give them, each on the disk before the next question is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_args
from uuid import uuid4

import sqlalchemy as sql
from sqlalchemy.dialects.sqlite import insert

from a2lc.annotators.base import Query
from a2lc.foundation.database import Database
from a2lc.foundation.errors import InputError
from a2lc.foundation.ids import valid_id

Kind = Literal["class", "yes", "no", "void", "unsure", "mixed", "skip"]

_METADATA = sql.MetaData()

_QUESTIONS = sql.Table(
    "questions",
    _METADATA,
    sql.Column("id", sql.Integer, primary_key=True),
    sql.Column("round", sql.Integer, nullable=False),
    sql.Column("batch", sql.Integer, nullable=False),
    sql.Column("opening", sql.Integer, nullable=False),
    sql.Column("position", sql.Integer, nullable=False),
    sql.Column("image_id", sql.String, nullable=False),
    sql.Column("mask_id", sql.Integer, nullable=False),
    sql.Column("shown", sql.Integer, nullable=False),
    sql.Column("score", sql.Float),
    sql.Column("row", sql.Integer, nullable=False),
    sql.Column("column", sql.Integer, nullable=False),
    sql.Column("pixels", sql.Text),
    sql.UniqueConstraint("round", "batch", "opening", "position"),
)

_ANSWERS = sql.Table(
    "answers",
    _METADATA,
    sql.Column("id", sql.Integer, primary_key=True),
    sql.Column("question", sql.Integer, sql.ForeignKey("questions.id"), nullable=False, index=True),
    sql.Column("annotator", sql.String, nullable=False),
    sql.Column("kind", sql.String, nullable=False),
    sql.Column("label", sql.Integer),
    sql.Column("seconds", sql.Float),
    sql.Column("door", sql.String, nullable=False),
    sql.Column("key", sql.String, nullable=False, unique=True),
    sql.Column("time", sql.String, nullable=False),
)


@dataclass(frozen=True)
class Question:
    """One question of a batch that is open in the inbox.

    Attributes:
        id: Its number in the inbox, which answers refer to.
        query: What is asked.
    """

    id: int
    query: Query


@dataclass(frozen=True)
class Answer:
    """One answer as somebody gave it; two are equal when they say the same, no matter when or under which key.

    Attributes:
        question: Number of the question, which says what was shown.
        annotator: Who answered.
        kind: class (see `label`), yes (what is shown is right), no (it is wrong, what it is was not said), void (none
            of the classes), unsure, mixed (the mask covers several classes), skip.
        label: The right class; given if and only if the kind is class.
        door: Where it came in: "queue" for a filled queue file.
        seconds: Seconds that it took, None = not measured.
        key: What makes it one answer however often it is sent; made up where none is given.
        time: When it was given, ISO 8601 in UTC; None = when it is written.
    """

    question: int
    annotator: str
    kind: Kind
    label: int | None = None
    door: str = "queue"
    seconds: float | None = None
    key: str = field(default_factory=lambda: uuid4().hex, compare=False)
    time: str | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise ValueError(f"the kind of an answer is '{self.kind}': expected one of {', '.join(get_args(Kind))}")
        if (self.kind == "class") != (self.label is not None):
            raise ValueError(f"an answer of kind '{self.kind}' has the label {self.label}: class and label go together")
        if self.seconds is not None and self.seconds < 0:
            raise ValueError(f"an answer took {self.seconds} seconds: expected 0 or more, or None")

    def decided(self, shown: int, void: int) -> int | None:
        """The label that this answer gives to what was shown as `shown`; None where it names none.

        Nothing is learned yet from no, unsure and mixed: to the ledger they are what a skipped question is.
        """
        labels: dict[Kind, int | None] = {"class": self.label, "yes": shown, "void": void}
        return labels.get(self.kind)


class Inbox:
    """Append-only store of questions and single answers in one SQLite file, beside the ledger of a run.

    It is a file of its own: answers arrive one by one while others read the ledger, and a ledger, the rows of which are
    compared between machines, stays what it was. Nothing has to be written to both at once, since an answer counts for
    the labels only when its batch is recorded in the ledger as a stage.

    Args:
        path: The file. One that does not exist is read as an empty inbox, and is not created.

    Raises:
        InputError: When the file is no inbox.

    Example:
        >>> from tempfile import mkdtemp
        >>> inbox = Inbox(Path(mkdtemp()) / "inbox.sqlite")
        >>> (question,) = inbox.open_batch(1, 0, [Query("cat", 3, 0, 2.5, (10, 20))])
        >>> inbox.put(Answer(question.id, "ann", "unsure"))
        >>> inbox.put(Answer(question.id, "ann", "class", 2, seconds=4.8))
        >>> [answer.kind for answer in inbox.history(question.id)]
        ['unsure', 'class']
        >>> inbox.unsettled(1, 0)
        []
    """

    def __init__(self, path: Path) -> None:
        self._database = Database(path, _METADATA, "an inbox")

    def open_batch(self, round_index: int, batch: int, queries: Sequence[Query]) -> list[Question]:
        """Open a batch of questions; one that is open with the same questions stays as it is.

        Opened with others, the batch starts anew: answers to the earlier ones stay on record but settle nothing.

        Args:
            round_index: Round, from 0.
            batch: Batch of questions within the round, from 0.
            queries: The questions, most valuable first.

        Returns:
            The questions with their numbers, in the order of `queries`.
        """
        asked = self.questions(round_index, batch)
        if [_words(question.query) for question in asked] != [_words(query) for query in queries]:
            self._open(round_index, batch, queries)
            asked = self.questions(round_index, batch)
        return asked

    def _open(self, round_index: int, batch: int, queries: Sequence[Query]) -> None:
        """Append the questions of a batch under the number of its next opening."""
        common = {"round": round_index, "batch": batch}
        latest = sql.select(sql.func.max(_QUESTIONS.c.opening)).where(*_of_batch(round_index, batch))
        with self._database.writing("this batch is open already") as connection:
            common["opening"] = (connection.execute(latest).scalar() or 0) + 1
            if queries:
                rows = [common | {"position": at} | _question_row(query) for at, query in enumerate(queries)]
                connection.execute(_QUESTIONS.insert(), rows)

    def questions(self, round_index: int, batch: int) -> list[Question]:
        """The questions of a batch as it was opened last, in order; none where it was not opened."""
        where = _of_batch(round_index, batch)
        latest = sql.select(sql.func.max(_QUESTIONS.c.opening)).where(*where).scalar_subquery()
        query = sql.select(_QUESTIONS).where(*where, _QUESTIONS.c.opening == latest).order_by(_QUESTIONS.c.position)
        return [_question(row, self._database.path) for row in self._database.rows(query)]

    def put(self, answer: Answer) -> None:
        """Write one answer; it is on the disk when this returns. See `put_all`."""
        self.put_all([answer])

    def put_all(self, answers: Sequence[Answer]) -> None:
        """Write answers that arrive together, in one transaction.

        An annotator who answers a question again replaces the earlier answer, which stays on record. An answer that is
        sent again under its key is there once, and replaces nothing.

        Raises:
            InputError: When a question does not exist, or a key belongs to another answer; nothing is written.
        """
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        with self._database.writing("an answer cannot be written") as connection:
            for answer in answers:
                _put(connection, answer, now)

    def history(self, question: int) -> list[Answer]:
        """Every answer ever given to a question, oldest first."""
        return self._answers(_ANSWERS.c.question == question)

    def standing(self, round_index: int, batch: int) -> dict[int, list[Answer]]:
        """{number of a question of the batch: the newest answer of each annotator, newest last}.

        Questions without an answer are left out.
        """
        asked = [question.id for question in self.questions(round_index, batch)]
        if not asked:
            return {}
        newest: dict[tuple[int, str], Answer] = {}
        for answer in self._answers(_ANSWERS.c.question.between(asked[0], asked[-1])):
            newest.pop((answer.question, answer.annotator), None)  # so that the newer one comes later
            newest[answer.question, answer.annotator] = answer
        standing: dict[int, list[Answer]] = {}
        for answer in newest.values():
            standing.setdefault(answer.question, []).append(answer)
        return standing

    def unsettled(self, round_index: int, batch: int) -> list[Question]:
        """The questions of a batch that nobody has answered, in order."""
        standing = self.standing(round_index, batch)
        return [question for question in self.questions(round_index, batch) if question.id not in standing]

    def _answers(self, condition: sql.ColumnElement[bool]) -> list[Answer]:
        """The answers that meet a condition, oldest first."""
        columns = (_ANSWERS.c[name] for name in Answer.__dataclass_fields__)
        rows = self._database.rows(sql.select(*columns).where(condition).order_by(_ANSWERS.c.id))
        return [Answer(**row) for row in rows]


def _put(connection: sql.Connection, answer: Answer, now: str) -> None:
    """Insert an answer unless its key is there; the transaction of the connection fails where it cannot be."""
    if connection.execute(sql.select(_QUESTIONS.c.id).where(_QUESTIONS.c.id == answer.question)).first() is None:
        raise InputError(f"question {answer.question} was never asked: nothing was written; load the questions again")
    row = vars(answer) | {"time": answer.time or now}
    connection.execute(insert(_ANSWERS).values(row).on_conflict_do_nothing(index_elements=["key"]))
    columns = (_ANSWERS.c[name] for name in Answer.__dataclass_fields__)
    there = connection.execute(sql.select(*columns).where(_ANSWERS.c.key == answer.key)).mappings().one()
    if Answer(**there) != answer:
        raise InputError(f"the key '{answer.key}' belongs to another answer: nothing was written; send another key")


def _of_batch(round_index: int, batch: int) -> tuple[sql.ColumnElement[bool], sql.ColumnElement[bool]]:
    """The conditions that a question belongs to a batch."""
    return _QUESTIONS.c.round == round_index, _QUESTIONS.c.batch == batch


def _words(query: Query) -> tuple[Any, ...]:
    """What makes two questions the same to whoever answers: not their scores, which may differ in the last digit."""
    return query.image_id, query.mask_id, query.label, query.pixels


def _question_row(query: Query) -> dict[str, Any]:
    """A question as the columns of the table."""
    row, column = query.representative
    return {
        "image_id": query.image_id,
        "mask_id": query.mask_id,
        "shown": query.label,
        "score": query.score,
        "row": row,
        "column": column,
        "pixels": query.pixels,
    }


def _question(row: dict[str, Any], source: Path) -> Question:
    """A question from the columns of the table. Raises InputError when its image id cannot be one."""
    query = Query(
        image_id=valid_id(row["image_id"], source),
        mask_id=row["mask_id"],
        label=row["shown"],
        score=row["score"],
        representative=(row["row"], row["column"]),
        pixels=row["pixels"],
    )
    return Question(row["id"], query)
