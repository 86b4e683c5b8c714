"""Mask tables that were damaged between two commands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from a2lc.acquisition.candidates import MaskScores
from a2lc.acquisition.table import MaskTable, read_mask_table
from a2lc.classes import parse_classes
from a2lc.foundation.errors import InputError


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of four masks in two images."""
    scores = MaskScores(
        mask_id=np.array([1, 2, 5, 1]),
        score=np.array([0.5, 2.5, 1.0, 0.25]),
        pixels=np.array([4, 9, 2, 30]),
        label=np.array([0, 1, 255, 1]),
        predicted=np.array([1, 1, 0, 0]),
        representative=np.arange(8).reshape(4, 2),
        mean_probability=np.full((4, 2), 0.5, dtype=np.float32),
    )
    table = MaskTable(("a", "a", "a", "cafe\u0301"), scores, (None, "0:2", None, None), {"acquisition": "abc"})
    path = tmp_path_factory.mktemp("table") / "mask_table.parquet"
    table.write(path, parse_classes({"classes": ["box", "disc"]}, "classes"), [("a", 1)])
    return path


def test_it_reads_back_with_names_in_one_form(written: Path) -> None:
    table = read_mask_table(written)
    assert table.keys() == [("a", 1), ("a", 2), ("a", 5), ("caf\u00e9", 1)]
    assert table.expansion == (None, "0:2", None, None)
    assert table.about == {"acquisition": "abc"}
    np.testing.assert_array_equal(table.scores.representative, np.arange(8).reshape(4, 2))


def replaced(name: str, values: pa.Array) -> Callable[[pa.Table], pa.Table]:
    return lambda table: table.set_column(table.column_names.index(name), name, values)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda table: table.drop_columns(["score"]), "'score' is missing"),
        (lambda table: table.replace_schema_metadata(None), "does not say how its scores came about"),
        (lambda table: table.replace_schema_metadata({"a2lc": "[1]"}), r"it holds \[1\], expected"),
        (lambda table: table.replace_schema_metadata({"a2lc": "{" * 10_000}), "does not say"),
        (replaced("score", pa.array([1.0, float("nan"), 0.0, 0.0])), "'score' holds numbers that are not finite"),
        (replaced("score", pa.array([1.0, None, 0.0, 0.0])), "'score' lacks 1 values"),
        (replaced("label", pa.array([0, 1, 300, 0])), "'label' holds values from 0 to 300"),
        (replaced("mask_id", pa.array(["1", "2", "3", "4"])), "'mask_id' holds string, expected int64"),
        (replaced("mask_id", pa.array([1, -2, 3, 4])), "'mask_id' holds values from -2"),
        (replaced("image_id", pa.array(["a", "../../x", "b", "c"])), "'../../x'"),
    ],
)
def test_another_content_is_told(
    written: Path, tmp_path: Path, change: Callable[[pa.Table], pa.Table], words: str
) -> None:
    path = tmp_path / "changed.parquet"
    pq.write_table(change(pq.read_table(written)), path)
    with pytest.raises(InputError, match=words) as caught:
        read_mask_table(path)
    assert "changed.parquet" in str(caught.value)


@settings(max_examples=60)
@given(place=st.integers(0, 5000), patch=st.binary(min_size=1, max_size=8), cut=st.integers(0, 200))
def test_damaged_bytes_are_read_or_refused(
    written: Path, tmp_path_factory: pytest.TempPathFactory, place: int, patch: bytes, cut: int
) -> None:
    content = bytearray(written.read_bytes())
    start = place % len(content)
    content[start : start + len(patch)] = patch
    path = tmp_path_factory.getbasetemp() / "mutated.parquet"
    path.write_bytes(content[: len(content) - cut])
    try:
        read_mask_table(path)
    except InputError:
        return
