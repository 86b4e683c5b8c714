"""Seals of the stages of a ledger: how many decisions each recorded, and a digest of them."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sql

from a2lc.foundation.database import Database
from a2lc.labels.tables import DECISIONS, SEALS, STAGES

_Batch = tuple[int, int]
_COLUMNS = [column for column in DECISIONS.c if column.name != "id"]


def last_decision(connection: sql.Connection) -> int:
    """Id of the newest decision, 0 where there is none."""
    newest: int | None = connection.execute(sql.select(sql.func.max(DECISIONS.c.id))).scalar()
    return newest or 0


def seal(connection: sql.Connection, stage: Mapping[str, Any], after: int) -> None:
    """Seal the decisions that a stage has just inserted.

    Args:
        connection: The transaction of the stage.
        stage: Its row in the table of stages.
        after: Id of the last decision before them.
    """
    place = {"after": after, "rows": stage["rows"]}
    rows = [dict(row) for row in connection.execute(_sealed(place)).mappings()]
    connection.execute(SEALS.insert(), {**stage, **place, "digest": _digest(rows)})


def broken_stages(ledger: Database) -> list[str]:
    """Sentences about stages whose decisions are no longer those that were recorded.

    A ledger of an earlier version has no seals: its decisions are counted.
    """
    stages = ledger.rows(sql.select(STAGES))
    seals = ledger.rows(sql.select(SEALS))
    odd = [row for row in [*stages, *seals, *_places(ledger)] if not _is_placed(row)]
    if odd:
        return [f"round {odd[0]['round']!r}, batch {odd[0]['batch']!r} cannot be: both are numbers"]
    recorded = {_name(stage) for stage in stages}
    lost = [f"{_told(entry)} is recorded no more" for entry in seals if _name(entry) not in recorded]
    counts = _counts(ledger)
    expected: Counter[_Batch] = Counter()
    for stage in stages:
        expected[stage["round"], stage["batch"]] += stage["rows"]
    miscounted = [batch for batch in sorted(expected | counts) if expected[batch] != counts[batch]]
    lines = [
        f"round {index}, batch {batch}: {expected[index, batch]} decisions were recorded and {counts[index, batch]} "
        "are there"
        for index, batch in miscounted
    ]
    changed = [
        f"{_told(entry)}: its decisions are not those that were recorded"
        for entry in seals
        if (entry["round"], entry["batch"]) not in miscounted
        and _digest(ledger.rows(_sealed(entry))) != entry["digest"]
    ]
    return [*lost, *lines, *changed]


def _places(ledger: Database) -> list[dict[str, Any]]:
    """Every round and batch that decisions name."""
    return ledger.rows(sql.select(DECISIONS.c.round, DECISIONS.c.batch).distinct())


def _is_placed(row: Mapping[str, Any]) -> bool:
    """Whether round and batch of a row are numbers; SQLite takes anything."""
    return all(type(row[name]) is int for name in ("round", "batch"))


def _counts(ledger: Database) -> Counter[_Batch]:
    """How many decisions there are, by round and batch."""
    batch = DECISIONS.c.round, DECISIONS.c.batch
    query = sql.select(*batch, sql.func.count().label("decisions")).group_by(*batch)
    return Counter({(row["round"], row["batch"]): row["decisions"] for row in ledger.rows(query)})


def _sealed(place: Mapping[str, Any]) -> sql.Select[Any]:
    """The decisions that a seal is about: what one transaction inserts has ids in a row."""
    last = place["after"] + place["rows"]
    return sql.select(*_COLUMNS).where(DECISIONS.c.id.between(place["after"] + 1, last)).order_by(DECISIONS.c.id)


def _digest(rows: Iterable[Mapping[str, Any]]) -> str:
    """SHA-256 of decisions, in hexadecimal."""
    digest = hashlib.sha256()
    for row in rows:
        digest.update(json.dumps(list(row.values())).encode())
    return digest.hexdigest()


def _name(stage: Mapping[str, Any]) -> tuple[int, int, str]:
    return stage["round"], stage["batch"], stage["stage"]


def _told(stage: Mapping[str, Any]) -> str:
    return f"round {stage['round']}, batch {stage['batch']}, {stage['stage']}"
