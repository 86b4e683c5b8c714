"""The mask table of a round: a row per mask (or pixel) to ask about, with every number one may want to look at."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from a2lc.acquisition.candidates import Candidates, MaskScores
from a2lc.acquisition.selection import select_masks
from a2lc.classes import ClassSet
from a2lc.foundation.errors import InputError
from a2lc.foundation.files import atomic_path
from a2lc.foundation.ids import MaskKey, valid_id
from a2lc.foundation.readers.arrays import Expected, check_arrays
from a2lc.foundation.readers.json_files import parse_json
from a2lc.foundation.readers.parquet import read_parquet
from a2lc.foundation.readers.schema import fitted


@dataclass(frozen=True)
class MaskTable:
    """Scores and statistics of all masks of all images, M rows, ordered by image as scored, then mask id.

    Attributes:
        image_id: M image ids.
        scores: The arrays of `MaskScores`, each over all M rows.
        expansion: The pixels that an answer is about, as `encode_runs` writes them; None = the whole mask.
        about: How the scores came about: acquisition, pool, pixels per class, class weights, class imbalance.
    """

    image_id: tuple[str, ...]
    scores: MaskScores
    expansion: tuple[str | None, ...]
    about: Mapping[str, Any]

    def __post_init__(self) -> None:
        if not len(self.image_id) == len(self.scores) == len(self.expansion):
            raise ValueError(
                f"a mask table of {len(self.scores)} masks has {len(self.image_id)} image ids "
                f"and {len(self.expansion)} expansions: expected one of each per mask"
            )

    @classmethod
    def collect(cls, scored: Iterable[tuple[str, Candidates]], classes: int, about: Mapping[str, Any]) -> MaskTable:
        """Concatenate the scores of all images."""
        parts = list(scored)
        ids = tuple(image_id for image_id, found in parts for _ in range(len(found.scores)))
        expansion = tuple(text for _, found in parts for text in found.expansion)
        names = MaskScores.__dataclass_fields__
        arrays = {
            name: [getattr(found.scores, name) for _, found in parts] or [_empty(name, classes)] for name in names
        }
        scores = MaskScores(**{name: np.concatenate(values) for name, values in arrays.items()})
        return cls(ids, scores, expansion, about)

    @property
    def of_masks(self) -> bool:
        """Whether there is one row per mask; else rows are pixels, of which a mask may have several."""
        return self.about.get("pool", "masks") == "masks"

    def keys(self) -> list[MaskKey]:
        """(image id, mask id) of every row."""
        return list(zip(self.image_id, self.scores.mask_id.tolist(), strict=True))

    def select(self, budget: int, exclude: Collection[MaskKey]) -> list[int]:
        """Rows of the `budget` best masks, best first; ties broken by image id, mask id, then pixel."""
        columns = self.image_id, self.scores.mask_id.tolist(), *self.scores.representative.T.tolist()
        rows = {key: row for row, key in enumerate(zip(*columns, strict=True)) if key[:2] not in exclude}
        score = self.scores.score
        return [rows[key] for key in select_masks({key: float(score[row]) for key, row in rows.items()}, budget)]

    def write(self, path: Path, classes: ClassSet, queried: Collection[MaskKey]) -> None:
        """Write the table as Parquet, atomically.

        Args:
            path: Target.
            classes: Adds the names of classes.
            queried: Masks queried in earlier rounds: they have no rank.
        """
        scores = self.scores
        rows = np.arange(len(self.image_id))
        rank = np.zeros(len(rows), dtype=np.int64)
        ranked = self.select(len(rows), queried)
        rank[ranked] = np.arange(1, 1 + len(ranked))
        known = np.where(scores.label < len(classes), scores.label, scores.predicted)
        table = pa.table(
            {
                "image_id": pa.array(self.image_id, pa.string()),
                "mask_id": scores.mask_id,
                "score": scores.score,
                "rank": pa.array(rank, mask=rank == 0),
                "queried_before": rank == 0,
                "pixels": scores.pixels,
                "label": scores.label,
                "label_name": pa.array([classes.name_of(int(label)) for label in scores.label], pa.string()),
                "label_probability": scores.mean_probability[rows, known],
                "predicted": scores.predicted,
                "predicted_name": pa.array([classes.name_of(int(label)) for label in scores.predicted], pa.string()),
                "predicted_probability": scores.mean_probability[rows, scores.predicted],
                "representative_row": scores.representative[:, 0],
                "representative_column": scores.representative[:, 1],
                "expansion": pa.array(self.expansion, pa.string()),
                "mean_probability": pa.FixedSizeListArray.from_arrays(
                    pa.array(scores.mean_probability.ravel(), pa.float32()), len(classes)
                ),
            }
        ).replace_schema_metadata({"a2lc": json.dumps(dict(self.about))})
        with atomic_path(path) as temporary:
            pq.write_table(table, temporary)


def _empty(name: str, classes: int) -> NDArray[Any]:
    """A column of a table without rows."""
    shapes = {"representative": (0, 2), "mean_probability": (0, classes)}
    return np.zeros(shapes.get(name, (0,)), dtype=np.float32 if name in ("score", "mean_probability") else np.int64)


_COLUMNS = {
    "image_id": "string",
    "mask_id": "int64",
    "score": "double",
    "pixels": "int64",
    "label": "int64",
    "predicted": "int64",
    "representative_row": "int64",
    "representative_column": "int64",
    "expansion": "string?",
    "mean_probability": "fixed_size_list",
}
_VALUES = {
    "mask_id": Expected("i", 1, 0, 65535),
    "score": Expected("f", 1),
    "pixels": Expected("i", 1, 0),
    "label": Expected("i", 1, 0, 255),
    "predicted": Expected("i", 1, 0, 255),
    "representative": Expected("i", 2, 0),
    "mean_probability": Expected("f", 2),
}
_REMEDY = "remove it and score again (a2lc score)"


def read_mask_table(path: Path) -> MaskTable:
    """Read a table written by `MaskTable.write`.

    Raises:
        InputError: When it is missing or unreadable, or a column is missing or holds what no score or label can be.
    """
    if not path.exists():
        raise InputError(f"{path} does not exist: score the masks of this round first (a2lc score)")
    table = read_parquet(path, _COLUMNS, _REMEDY)
    arrays = {name: table[name].to_numpy() for name in ("mask_id", "score", "pixels", "label", "predicted")}
    place = [table[name].to_numpy() for name in ("representative_row", "representative_column")]
    flat = table["mean_probability"].combine_chunks().values.to_numpy(zero_copy_only=False)
    arrays["representative"] = np.stack(place, axis=1)
    arrays["mean_probability"] = flat.reshape(len(table), table["mean_probability"].type.list_size).astype(np.float32)
    check_arrays(path, arrays, _VALUES, _REMEDY)
    names = {name: valid_id(name, path) for name in table["image_id"].unique().to_pylist()}
    ids = tuple(names[name] for name in table["image_id"].to_pylist())
    return MaskTable(ids, MaskScores(**arrays), tuple(table["expansion"].to_pylist()), _about(table, path))


def _about(table: pa.Table, path: Path) -> dict[str, Any]:
    """How the scores came about."""
    try:
        content = parse_json((table.schema.metadata or {}).get(b"a2lc", b""))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} does not say how its scores came about ({error}): {_REMEDY}") from None
    return fitted(content, dict[str, Any], path, _REMEDY)
