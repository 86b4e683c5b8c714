"""The ledger: one row per decision about a mask, append-only. Labels of any round are derived from it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import sqlalchemy as sql

from a2lc.foundation.database import Database
from a2lc.foundation.errors import InputError
from a2lc.foundation.ids import MaskKey, valid_id
from a2lc.labels.seals import broken_stages, last_decision, seal
from a2lc.labels.tables import DECISIONS, FILES, METADATA, STAGES

_LARGEST_LABEL = 255
_RUNS = re.compile(r"(\d+:\d+( \d+:\d+)*)?")  # see run_length.encode_runs


@dataclass(frozen=True)
class Decision:
    """One decision about one mask.

    Attributes:
        image_id: The image.
        mask_id: The mask within the image.
        label_before: Majority label of the pixels before the decision, 255 = void.
        label_after: Their label by this decision; None when the annotator skipped it.
        relabelled: Whether the pixels are set to `label_after`. A confirmation changes no pixel.
        queried: Whether an annotator was asked (and a click spent).
        source: Who decided: the name of an annotator (ground_truth, answers, person) or of a learner (lcm, posterior);
            revision: people, who replaced an earlier answer of theirs.
        annotator: Name of the annotator, None for lcm and posterior.
        confidence: Confidence in [0, 1] of an automatic decision.
        seconds: Seconds the annotator spent.
        pixels: The pixels that the decision is about, as `run_length.encode_runs` writes them; None = the whole mask.
    """

    image_id: str
    mask_id: int
    label_before: int
    label_after: int | None
    relabelled: bool
    queried: bool
    source: str
    annotator: str | None = None
    confidence: float | None = None
    seconds: float | None = None
    pixels: str | None = None

    @property
    def key(self) -> MaskKey:
        """(image id, mask id)."""
        return self.image_id, self.mask_id


class _Relabelled(NamedTuple):
    """What a correction needs of a decision."""

    image_id: str
    mask_id: int
    label_after: int
    pixels: str | None

    @property
    def key(self) -> MaskKey:
        return self.image_id, self.mask_id


class Ledger:
    """Append-only store of decisions in one SQLite file, which the first stage recorded makes.

    The decisions of one stage (one batch of questions, or one propagation) are written in a single transaction
    together with a row that says the stage has happened; a killed run finds either all of them or none.

    What is read can end with a round: `up_to_round` is the last round that counts, None = all.

    Args:
        path: The file. One that does not exist is read as a ledger without decisions, and is not created.

    Raises:
        InputError: When the file is no ledger.

    Example:
        >>> from tempfile import mkdtemp
        >>> ledger = Ledger(Path(mkdtemp()) / "ledger.sqlite")
        >>> ledger.record(1, 0, "annotate", [Decision("cat", 3, 0, 2, True, True, "answers", "ann")])
        >>> ledger.corrections(up_to_round=1)
        {'cat': {3: 2}}
        >>> ledger.corrections(up_to_round=0)
        {}
    """

    def __init__(self, path: Path) -> None:
        self._database = Database(path, METADATA, "a ledger")

    @property
    def path(self) -> Path:
        """The file."""
        return self._database.path

    def record(self, round_index: int, batch: int, stage: str, decisions: Sequence[Decision]) -> None:
        """Append all decisions of a stage in one transaction.

        Args:
            round_index: Round, from 1.
            batch: Batch of questions within the round, from 0.
            stage: "annotate", "propagate", or "revision" for answers that replace earlier ones.
            decisions: May be empty; the stage is recorded all the same.

        Raises:
            InputError: When this stage is recorded already, or the file cannot be written.
        """
        now = datetime.now(UTC).isoformat(timespec="seconds")
        rows = [{**vars(decision), "round": round_index, "batch": batch, "time": now} for decision in decisions]
        with self._database.writing("this stage is recorded already") as connection:
            entry = {"round": round_index, "batch": batch, "stage": stage, "rows": len(rows)}
            connection.execute(STAGES.insert(), entry)
            before = last_decision(connection)
            if rows:
                connection.execute(DECISIONS.insert(), rows)
            seal(connection, entry, before)

    def is_done(self, round_index: int, batch: int, stage: str) -> bool:
        """Whether the stage is recorded."""
        where = (STAGES.c.round == round_index, STAGES.c.batch == batch, STAGES.c.stage == stage)
        return bool(self._database.rows(sql.select(STAGES).where(*where)))

    def batches(self, round_index: int, stage: str) -> int:
        """How many batches of this stage are recorded in a round."""
        where = (STAGES.c.round == round_index, STAGES.c.stage == stage)
        return len(self._database.rows(sql.select(STAGES).where(*where)))

    def problems(self) -> list[str]:
        """Sentences about stages whose decisions are no longer those that were recorded; empty when all are."""
        return broken_stages(self._database)

    def record_file(self, round_index: int, name: str, digest: str) -> None:
        """Append that a file of a round is finished; the newest entry of a file counts.

        Args:
            round_index: Round, from 0.
            name: Name of the file within the round's folder.
            digest: SHA-256 of its content.

        Raises:
            InputError: When the ledger cannot be written.
        """
        with self._database.writing("this file cannot be recorded") as connection:
            connection.execute(FILES.insert(), {"round": round_index, "name": name, "digest": digest})

    def digest_of(self, round_index: int, name: str) -> str | None:
        """SHA-256 of a finished file of a round; None where none was recorded."""
        query = sql.select(FILES.c.digest).where(FILES.c.round == round_index, FILES.c.name == name)
        rows = self._database.rows(query.order_by(FILES.c.id.desc()).limit(1))
        return rows[0]["digest"] if rows else None

    def newest_round(self) -> int:
        """The newest round of which a stage is recorded; 0 when there is none."""
        return max((row["round"] for row in self._database.rows(sql.select(STAGES.c.round))), default=0)

    def decisions(self, *, up_to_round: int | None = None) -> list[Decision]:
        """All decisions, in the order they were made."""
        return self._decisions(*_until(up_to_round))

    def decisions_of(self, round_index: int) -> list[Decision]:
        """The decisions of one round, in the order they were made."""
        return self._decisions(DECISIONS.c.round == round_index)

    def answers(self, *, up_to_round: int | None = None) -> list[Decision]:
        """Every question asked, a click each, in the order they were answered."""
        return self._decisions(DECISIONS.c.queried, *_until(up_to_round))

    def queried(self, *, up_to_round: int | None = None) -> dict[MaskKey, Decision]:
        """The newest answer for each mask that an annotator was asked about."""
        return {decision.key: decision for decision in self.answers(up_to_round=up_to_round)}

    def corrections(self, *, up_to_round: int | None = None) -> dict[str, dict[int, int]]:
        """Newest label of every mask relabelled as a whole, {image id: {mask id: label}}."""
        corrections: dict[str, dict[int, int]] = {}
        for decision in self._relabelled(up_to_round):
            if decision.pixels is None:
                corrections.setdefault(decision.image_id, {})[decision.mask_id] = decision.label_after
        return corrections

    def pixel_corrections(self, *, up_to_round: int | None = None) -> dict[str, list[tuple[str, int]]]:
        """Corrections of parts of masks, {image id: [(runs, label)]}, oldest first.

        Those that a later correction of their whole mask replaced are left out.
        """
        newest: dict[MaskKey, list[tuple[str, int]]] = {}
        for decision in self._relabelled(up_to_round):
            if decision.pixels is None:
                newest.pop(decision.key, None)
            else:
                newest.setdefault(decision.key, []).append((decision.pixels, decision.label_after))
        corrections: dict[str, list[tuple[str, int]]] = {}
        for (image_id, _), parts in newest.items():
            corrections.setdefault(image_id, []).extend(parts)
        return corrections

    def _relabelled(self, up_to_round: int | None) -> list[_Relabelled]:
        """The decisions that set pixels, oldest first; only what a correction needs of them, for there are many."""
        columns = (DECISIONS.c[name] for name in _Relabelled._fields)
        query = sql.select(*columns).where(DECISIONS.c.relabelled, *_until(up_to_round)).order_by(DECISIONS.c.id)
        return [_Relabelled(**row) for row in self._rows(query)]

    def _decisions(self, *conditions: sql.ColumnElement[bool]) -> list[Decision]:
        """The decisions that meet all conditions, oldest first."""
        columns = (DECISIONS.c[name] for name in Decision.__dataclass_fields__)
        query = sql.select(*columns).where(*conditions).order_by(DECISIONS.c.id)
        return [Decision(**row) for row in self._rows(query)]

    def _rows(self, query: sql.Select[Any]) -> list[dict[str, Any]]:
        """Rows with ids and labels that were checked. Raises InputError when one cannot be."""
        rows = self._database.rows(query)
        wrong = next((row for row in rows if not _is_possible(row)), None)
        if wrong is not None:
            raise InputError(
                f"{self._database.path} is damaged: the decision about mask {wrong['mask_id']!r} of "
                f"{wrong['image_id']!r} cannot be one; put the ledger back from a copy, or start a new run with "
                "experiment=<name>"
            )
        names = {name: valid_id(name, self._database.path) for name in {row["image_id"] for row in rows}}
        for row in rows:
            row["image_id"] = names[row["image_id"]]
        return rows


def _is_possible(row: Mapping[str, Any]) -> bool:
    """Whether mask id, labels and pixels of a row are what `record` writes."""
    labels = [row[name] for name in ("label_before", "label_after") if row.get(name) is not None]
    numbers = all(type(value) is int for value in (row["mask_id"], *labels))
    if not numbers or row["mask_id"] < 0 or not all(0 <= label <= _LARGEST_LABEL for label in labels):
        return False
    named = row["label_after"] is not None or not row.get("relabelled", True)
    return named and (row["pixels"] is None or _RUNS.fullmatch(str(row["pixels"])) is not None)


def _until(up_to_round: int | None) -> list[sql.ColumnElement[bool]]:
    """The condition that a decision was made in this round or an earlier one; none for None."""
    return [] if up_to_round is None else [DECISIONS.c.round <= up_to_round]
