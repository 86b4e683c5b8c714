"""Readers: what is whole is read as it is, what is damaged is refused in a sentence with the file and a remedy."""

from __future__ import annotations

import ast
import json
import os
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from a2lc.foundation.errors import InputError
from a2lc.foundation.files import read_json, write_json
from a2lc.foundation.readers.arrays import Expected, read_npz
from a2lc.foundation.readers.checkpoints import read_checkpoint
from a2lc.foundation.readers.parquet import read_parquet
from a2lc.foundation.readers.tables import cell, read_csv, read_lines
from a2lc.foundation.readers.text import read_text
from a2lc.foundation.readers.yaml_files import read_yaml
from tests.support.bad_files import (
    BAD_JSON,
    BAD_QUEUES,
    BAD_YAML,
    NO_TEXT,
    malicious_checkpoint,
    malicious_npz,
    malicious_pickle,
    malicious_yaml,
    npz_bomb,
    npz_of_impossible_size,
)

ROOT = Path(__file__).parents[2]
ARRAYS = {"image": Expected("i", 1, 0), "shape": Expected("f", 2)}
COLUMNS = {"image_id": "string", "mask_id": "int64", "expansion": "string?"}
REMEDY = "make it again"

Reader = Callable[[Path], object]
READERS: dict[str, Reader] = {
    "text": lambda path: read_text(path, REMEDY),
    "json": lambda path: read_json(path, remedy=REMEDY),
    "yaml": lambda path: read_yaml(path, REMEDY),
    "csv": lambda path: read_csv(path, ("image_id", "mask_id", "answer"), REMEDY),
    "npz": lambda path: read_npz(path, ARRAYS, REMEDY),
    "parquet": lambda path: read_parquet(path, COLUMNS, REMEDY),
    "checkpoint": lambda path: read_checkpoint(path, {"step": int, "network": dict}, REMEDY),
}


def write_npz(path: Path) -> None:
    np.savez(path, image=np.arange(5), shape=np.ones((2, 3), dtype=np.float32))


def write_parquet(path: Path) -> None:
    pq.write_table(pa.table({"image_id": ["a", "b"], "mask_id": [1, 2], "expansion": ["0:2", None]}), path)


def write_checkpoint(path: Path) -> None:
    torch.save({"step": 3, "network": {"weight": torch.ones(2, 2)}}, path)


WHOLE: dict[str, Callable[[Path], object]] = {
    "json": lambda path: write_json(path, {"classes": ["a", "b"], "images": {"x": {"size": [2, 3]}}}),
    "yaml": lambda path: path.write_text("base: &base {a: 1}\nother: {<<: *base, b: [1, 2]}\nname: Straße\n"),
    "csv": lambda path: path.write_text('image_id,mask_id,answer\na,1,box\n\'=b,2,"di\nsc"\n'),
    "npz": write_npz,
    "parquet": write_parquet,
    "checkpoint": write_checkpoint,
}


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        pytest.param(kind, content, id=f"{kind} {what}")
        for kind, table in (("text", NO_TEXT), ("json", BAD_JSON), ("yaml", BAD_YAML), ("csv", BAD_QUEUES))
        for what, content in table.items()
        if not (kind == "csv" and what.startswith(("mask of", "short")))  # whole as a table
    ],
)
def test_damaged_text(tmp_path: Path, kind: str, content: bytes) -> None:
    path = tmp_path / "given.file"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"given\.file") as caught:
        READERS[kind](path)
    assert REMEDY in str(caught.value) or "save it as UTF-8" in str(caught.value)
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize("make", [npz_bomb, npz_of_impossible_size])
def test_archives_larger_than_they_look(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "pool.npz")
    with pytest.raises(InputError, match=r"pool\.npz .*make it again"):
        READERS["npz"](tmp_path / "pool.npz")


@pytest.mark.parametrize("kind", WHOLE)
def test_what_is_whole_is_read(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "given.file"
    write = WHOLE[kind]
    write(path.with_suffix(".npz") if kind == "npz" else path)
    assert READERS[kind](path.with_suffix(".npz") if kind == "npz" else path) is not None


@pytest.mark.parametrize("kind", READERS)
def test_what_is_no_file_is_refused_and_not_waited_for(tmp_path: Path, kind: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name, words in (("pipe", "no regular file"), ("folder", "is a folder"), ("nothing", "does not exist")):
        with pytest.raises(InputError, match=f"{name} {words}|{name} is no regular file"):
            READERS[kind](tmp_path / name)
    for path in (Path("/dev/zero"), tmp_path / ("x" * 300), tmp_path / "a\0b"):
        with pytest.raises(InputError):
            READERS[kind](path)


@pytest.mark.parametrize("kind", WHOLE)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_a_mutated_file_is_read_or_refused(kind: str, data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "given.npz"
        WHOLE[kind](path)
        content = bytearray(path.read_bytes())
        for _ in range(data.draw(st.integers(1, 4))):
            start = data.draw(st.integers(0, len(content)))
            end = min(len(content), start + data.draw(st.integers(0, 12)))
            content[start:end] = data.draw(st.binary(max_size=12))
        path.write_bytes(content)
        with suppress(InputError):
            READERS[kind](path)


def test_yaml_means_what_it_always_meant(tmp_path: Path) -> None:
    WHOLE["yaml"](tmp_path / "a.yaml")
    for path in [tmp_path / "a.yaml", *(ROOT / "DeepLabV3Plus_Pytorch/a2lc/configs").rglob("*.yaml")]:
        assert read_yaml(path) == yaml.safe_load(path.read_text(encoding="utf-8")), path


def test_the_place_in_a_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    for content, reader, words in (
        (
            b"a: 1\nb: 2\na: 3\n",
            READERS["yaml"],
            r"a\.txt is not valid YAML, line 3, column 1 \(the key 'a' stands twice",
        ),
        (b"one\ntwo\nStra\xdfe\n", READERS["text"], r"a\.txt, line 3: byte 0xdf is no UTF-8, maybe Latin-1"),
        (b'{"a": 1,\n "b": }', READERS["json"], r"line 2 column 7"),
        (b"image_id,mask_id,answer\na,1,box\na,1,b,c\n", READERS["csv"], "line 3: 4 cells under 3 headings"),
    ):
        path.write_bytes(content)
        with pytest.raises(InputError, match=words):
            reader(path)
    path.write_text(json.dumps({"train": 1.5, "score": "a while"}))
    with pytest.raises(InputError, match=r"a\.txt .*\(score is 'a while', expected a valid number\)"):
        read_json(path, dict[str, float])


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"image": np.arange(3)}, "'shape' is missing"),
        ({"image": np.arange(3) - 1, "shape": np.ones((1, 1))}, "'image' holds values from -1 to 1"),
        ({"image": np.arange(3.0), "shape": np.ones((1, 1))}, "'image' holds float64"),
        ({"image": np.arange(3), "shape": np.full((1, 1), np.nan)}, "'shape' holds numbers that are not finite"),
        ({"image": np.ones((2, 2), int), "shape": np.ones((1, 1))}, r"'image' holds int64 of shape \(2, 2\)"),
    ],
)
def test_arrays_of_another_kind(tmp_path: Path, arrays: Mapping[str, np.ndarray], words: str) -> None:
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(InputError, match=words):
        READERS["npz"](tmp_path / "a.npz")


def test_columns_of_another_kind(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"image_id": ["a", None], "mask_id": [1.5, 2.0]}), path)
    with pytest.raises(InputError) as caught:
        READERS["parquet"](path)
    for words in ("'image_id' lacks 1 values", "'mask_id' holds double, expected int64", "'expansion' is missing"):
        assert words in str(caught.value)


def test_checkpoints_of_another_kind(tmp_path: Path) -> None:
    path = tmp_path / "training.pt"
    for content, words in (([1, 2], "holds a list"), ({"step": "3"}, "'network' is missing")):
        torch.save(content, path)
        with pytest.raises(InputError, match=words):
            READERS["checkpoint"](path)


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=12))
def test_a_cell_reads_back_as_itself_and_is_no_formula(text: str) -> None:
    written = cell(text)
    assert not written.startswith(("=", "+", "-", "@"))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.csv"
        quoted = written.replace('"', '""')
        path.write_text(f'name,answer\n"{quoted}",x\n', encoding="utf-8", newline="")
        (row,) = read_csv(path, ("name",))
    assert row["name"] == text


def test_only_a_line_feed_ends_a_line(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text("a\u2028b\r\nc\x85d\n", encoding="utf-8", newline="")
    assert list(read_lines(path)) == [(1, "a\u2028b"), (2, "c\x85d"), (3, "")]


@pytest.mark.parametrize(
    ("kind", "make"),
    [
        ("checkpoint", malicious_pickle),
        ("checkpoint", malicious_checkpoint),
        ("npz", malicious_npz),
        ("yaml", malicious_yaml),
        ("json", malicious_pickle),
        ("parquet", malicious_pickle),
    ],
)
def test_no_file_runs_code(tmp_path: Path, kind: str, make: Callable[[Path, Path], None]) -> None:
    path, witness = tmp_path / "given.npz", tmp_path / "witness"
    make(path, witness)
    with pytest.raises(InputError, match=r"given\.npz"):
        READERS[kind](path)
    assert not witness.exists()


MODULES = {"pickle", "dill", "joblib", "shelve", "marshal"}
NEVER = {"eval", "exec", "pd.read_pickle", "yaml.unsafe_load", "yaml.full_load", "yaml.full_load_all", "yaml.load_all"}
SAFE_BY = {"torch.load": "weights_only=True", "np.load": "allow_pickle=False", "yaml.load": "Loader=_Loader"}


def unsafe_reads(path: str, source: str) -> list[str]:
    """Imports and calls of a module that could run what a file holds."""
    found = []
    for node in ast.walk(ast.parse(source)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        elif isinstance(node, ast.Call):
            called, options = ast.unparse(node.func), {ast.unparse(keyword) for keyword in node.keywords}
            unsafe = called in NEVER or options & {"allow_pickle=True", "weights_only=False"}
            if unsafe or (called in SAFE_BY and SAFE_BY[called] not in options):
                found.append(f"{path}: {ast.unparse(node)}")
        found += [f"{path}: {name}" for name in names if name.partition(".")[0] in MODULES]
    return found


def test_no_source_reads_pickles() -> None:
    paths = [*(ROOT / "DeepLabV3Plus_Pytorch").rglob("*.py"), *(ROOT / "Grounded-Segment-Anything").rglob("*.py")]
    assert len(paths) > 100
    assert [line for path in paths for line in unsafe_reads(str(path), path.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize(
    "line",
    [
        *(
            "import pickle",
            "from joblib import load",
            "torch.load(p)",
            "torch.load(p, weights_only=False)",
            "np.load(p)",
        ),
        *("np.load(p, allow_pickle=True)", "yaml.load(t, Loader=yaml.Loader)", "yaml.unsafe_load(t)", "eval(text)"),
    ],
)
def test_the_search_finds(line: str) -> None:
    assert unsafe_reads("module.py", line)
