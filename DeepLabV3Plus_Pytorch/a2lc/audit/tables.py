"""The lists that an audit leaves: masks and images worst first, and pairs of classes that are confused."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from a2lc.audit.findings import Findings
from a2lc.audit.reasons import reason
from a2lc.audit.scores import SCORE_NAMES
from a2lc.audit.settings import ScoreName
from a2lc.classes import ClassSet
from a2lc.foundation.files import atomic_path
from a2lc.foundation.readers.tables import cell

Row = dict[str, Any]
_DIGITS = 6


@dataclass(frozen=True)
class Tables:
    """Rows of the tables, worst first.

    Attributes:
        masks: A row per mask.
        images: A row per image.
        swaps: A row per pair of given and predicted class that has pixel issues.
    """

    masks: list[Row]
    images: list[Row]
    swaps: list[Row]

    def write(self, folder: Path) -> None:
        """Write masks.csv, masks.parquet, images.csv and class_pairs.csv, each atomically."""
        _write_csv(folder / "masks.csv", self.masks, _MASK_COLUMNS)
        with atomic_path(folder / "masks.parquet") as temporary:
            pq.write_table(pa.Table.from_pylist(self.masks, schema=_mask_schema()), temporary)
        _write_csv(folder / "images.csv", self.images, _IMAGE_COLUMNS)
        _write_csv(folder / "class_pairs.csv", self.swaps, _SWAP_COLUMNS)


_SCORES: dict[str, pa.DataType] = {name: pa.float64() for name in SCORE_NAMES}
_MASK_COLUMNS: dict[str, pa.DataType] = {
    "rank": pa.int64(),
    "image_id": pa.string(),
    "mask_id": pa.int64(),
    "pixels": pa.int64(),
    "given": pa.string(),
    "predicted": pa.string(),
    "score": pa.float64(),
    "suspicious": pa.bool_(),
    "why": pa.string(),
    "given_share": pa.float64(),
    "predicted_share": pa.float64(),
    **_SCORES,
    "fold": pa.int64(),
    "unseen_class": pa.bool_(),
    "row": pa.int64(),
    "column": pa.int64(),
}
_IMAGE_COLUMNS = ("rank", "image_id", "score", "pixels", "issues", "masks", "suspicious_masks", "fold")
_SWAP_COLUMNS = ("given", "predicted", "pixels", "masks")


def _mask_schema() -> pa.Schema:
    return pa.schema(list(_MASK_COLUMNS.items()))


def make_tables(findings: Findings, classes: ClassSet, score: ScoreName) -> Tables:
    """Put findings into rows.

    Args:
        findings: What was found.
        classes: Names.
        score: What masks are ranked by; ties in the order of image id and mask id.
    """
    masks = _mask_rows(findings, classes, score)
    suspicious = Counter(row["image_id"] for row in masks if row["suspicious"])
    pairs = Counter((row["given"], row["predicted"]) for row in masks if row["suspicious"])
    images = [{**vars(image), "suspicious_masks": suspicious[image.image_id]} for image in findings.images]
    swaps = [
        {"given": given, "predicted": predicted, "pixels": swap.pixels, "masks": pairs[given, predicted]}
        for swap in findings.swaps
        for given, predicted in [(classes.name_of(swap.given), classes.name_of(swap.predicted))]
    ]
    masks.sort(key=lambda row: (-row["score"], row["image_id"], row["mask_id"]))
    images.sort(key=lambda row: (row["score"], row["image_id"]))
    return Tables(_ranked(masks), _ranked(images), swaps)


def _ranked(rows: list[Row]) -> list[Row]:
    """The rows with their rank, from 1, as the first column."""
    return [{"rank": rank, **row} for rank, row in enumerate(rows, start=1)]


def _mask_rows(findings: Findings, classes: ClassSet, score: ScoreName) -> list[Row]:
    """A row per mask, in the order of the findings."""
    evidence = findings.evidence
    suspicion = findings.suspicion
    fold_of = {image.image_id: image.fold for image in findings.images}
    rows: list[Row] = []
    for index, (image_id, mask_id) in enumerate(findings.keys):
        given = int(evidence.label[index])
        predicted = int(suspicion.predicted[index])
        place = evidence.representative[index].tolist()
        scores: Row = {name: float(suspicion.scores[name][index]) for name in SCORE_NAMES}
        rows.append({
            "image_id": image_id,
            "mask_id": mask_id,
            "pixels": int(evidence.pixels[index]),
            "given": classes.name_of(given),
            "predicted": classes.name_of(predicted),
            "score": float(suspicion.scores[score][index]),
            "suspicious": bool(suspicion.suspicious[index]),
            "why": reason(given, predicted, evidence.share[index], bool(findings.unseen[index]), classes),
            "given_share": float(evidence.share[index, given]),
            "predicted_share": float(evidence.share[index, predicted]),
            **scores,
            "fold": fold_of[image_id],
            "unseen_class": bool(findings.unseen[index]),
            "row": place[0],
            "column": place[1],
        })  # fmt: skip
    return rows


def _write_csv(path: Path, rows: Sequence[Row], columns: Sequence[str] | dict[str, Any]) -> None:
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(columns))
        writer.writeheader()
        writer.writerows({name: _text(row[name]) for name in columns} for row in rows)


def _text(value: object) -> object:
    """A value as the CSV has it."""
    if isinstance(value, str):
        return cell(value)
    return f"{value:.{_DIGITS}g}" if isinstance(value, float) else value
