"""The mask table of a round: one row per mask with every number a person may want to look at."""

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

from a2lc.acquisition import MaskScores, select_masks
from a2lc.classes import ClassSet
from a2lc.errors import InputError
from a2lc.files import atomic_path

MaskKey = tuple[str, int]


@dataclass(frozen=True)
class MaskTable:
    """Scores and statistics of all masks of all images, M rows, ordered by image as scored, then mask id.

    Attributes:
        image_id: M image ids.
        scores: The arrays of `MaskScores`, each over all M rows.
        about: How the scores came about: acquisition, pixels per class, class weights, class imbalance.
    """

    image_id: tuple[str, ...]
    scores: MaskScores
    about: Mapping[str, Any]

    @classmethod
    def collect(cls, scored: Iterable[tuple[str, MaskScores]], classes: int, about: Mapping[str, Any]) -> MaskTable:
        """Concatenate the scores of all images."""
        parts = list(scored)
        ids = tuple(image_id for image_id, scores in parts for _ in range(len(scores)))
        names = MaskScores.__dataclass_fields__
        arrays = {name: [getattr(scores, name) for _, scores in parts] or [_empty(name, classes)] for name in names}
        return cls(ids, MaskScores(**{name: np.concatenate(values) for name, values in arrays.items()}), about)

    def keys(self) -> list[MaskKey]:
        """(image id, mask id) of every row."""
        return list(zip(self.image_id, self.scores.mask_id.tolist(), strict=True))

    def select(self, budget: int, exclude: Collection[MaskKey]) -> list[int]:
        """Rows of the `budget` best masks, best first."""
        keys = self.keys()
        rows = {key: row for row, key in enumerate(keys)}
        chosen = select_masks(dict(zip(keys, self.scores.score.tolist(), strict=True)), budget, exclude)
        return [rows[key] for key in chosen]

    def write(self, path: Path, classes: ClassSet, queried: Collection[MaskKey]) -> None:
        """Write the table as Parquet, atomically.

        Args:
            path: Target.
            classes: Adds the names of classes.
            queried: Masks queried in earlier rounds: they have no rank.
        """
        scores, rows = self.scores, np.arange(len(self.image_id))
        rank = np.zeros(len(rows), dtype=np.int64)
        rank[self.select(len(rows), queried)] = np.arange(1, 1 + len(rows) - sum(key in queried for key in self.keys()))
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
                "mean_probability": pa.FixedSizeListArray.from_arrays(
                    pa.array(scores.mean_probability.ravel(), pa.float32()), len(classes)
                ),
            }
        ).replace_schema_metadata({"a2lc": json.dumps(dict(self.about))})
        with atomic_path(path) as temporary:
            pq.write_table(table, temporary)


def _empty(name: str, classes: int) -> NDArray[Any]:
    shapes = {"representative": (0, 2), "mean_probability": (0, classes)}
    return np.zeros(shapes.get(name, (0,)), dtype=np.float32 if name in ("score", "mean_probability") else np.int64)


def read_mask_table(path: Path) -> MaskTable:
    """Read a table written by `MaskTable.write`.

    Raises:
        InputError: When it is missing or unreadable.
    """
    try:
        table = pq.read_table(path)
    except FileNotFoundError:
        raise InputError(f"{path} does not exist: score the masks of this round first (a2lc score)") from None
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path} cannot be read ({error}): remove it and score again") from None
    column = {name: table[name].to_numpy() for name in ("mask_id", "score", "pixels", "label", "predicted")}
    place = [table[name].to_numpy() for name in ("representative_row", "representative_column")]
    flat = table["mean_probability"].combine_chunks().values.to_numpy()
    mean = flat.reshape(len(table), -1) if len(table) else np.zeros((0, table["mean_probability"].type.list_size))
    scores = MaskScores(**column, representative=np.stack(place, axis=1), mean_probability=mean.astype(np.float32))
    return MaskTable(tuple(table["image_id"].to_pylist()), scores, json.loads(table.schema.metadata[b"a2lc"]))
