"""Bad files in the folders of finished and waiting work."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.catalogue import commands as on
from tests.catalogue.damages import (
    ANY_FILE,
    ANY_JSON,
    ANY_TEXT,
    CUT,
    GONE,
    UTF16,
    Damage,
    arrays,
    column,
    holding,
    lacking,
    malicious_pickle,
    parquet,
    pickled,
    replaced,
    setting,
    sql,
    tensors,
)
from tests.catalogue.row import Row, crossed

_RUN = "outputs/runs/folder/seed1"
_ANSWERS = (
    *(damage for damage in ANY_TEXT if damage.name != UTF16.name),
    Damage(UTF16.name, UTF16.change, ends=0),  # spreadsheets write it
    GONE,
    Damage("a picture", holding(b"\x89PNG\r\n\x1a\n")),
    Damage("no rows", replaced(r"(?s)\n.*", "\n"), ends=3),
    Damage("no answer column", replaced("answer", "reply"), "answer"),
    Damage("no image column", replaced("image_id", "image"), "image_id"),
    Damage("an unknown class", replaced("yes", "boxx"), "boxx"),
    Damage("an unknown image", replaced(r"image0\d", "image99"), "image99"),
    Damage("a way out", replaced(r"image0\d", "../../neighbour/secret")),
    Damage("an unknown mask", replaced(r"(?<=image0\d,)\d", "77"), "77"),
    Damage("a negative mask", replaced(r"(?<=image0\d,)\d", "-1")),
    Damage("a mask that is a fraction", replaced(r"(?<=image0\d,)\d", "1.5")),
    Damage("a mask that is endless", replaced(r"(?<=image0\d,)\d", "9" * 400)),
    Damage("a mask in other digits", replaced(r"(?<=image0\d,)\d", "²")),
    Damage("a row missing", replaced(r"\nq0[^\n]*\n", "\n"), ends=3),  # it waits
    Damage("a key that is none", replaced(r"q0\d*", "first"), "key is 'first'"),
    Damage("seconds that are none", replaced(r"yes,[^,]*", "yes,soon"), "seconds is 'soon'"),
    Damage("NUL", replaced("yes", "y\0s")),
    Damage("an escape", replaced("yes", "\x1b[31myes")),
    Damage("an answer of a megabyte", replaced("yes", "y" * 1_000_000)),
    Damage("a quote that never ends", replaced("yes", '"yes')),
    Damage("a formula", replaced("yes", "=1+1")),
    Damage("columns named twice", replaced("score", "answer")),
)
_LEDGER = (
    *ANY_FILE[1:],
    CUT,
    GONE,
    Damage("an empty file", holding(b"")),
    Damage("a text", holding("round,mask\n" * 500)),
    Damage("no table of decisions", sql("DROP TABLE decisions")),
    Damage("a column missing", sql("ALTER TABLE decisions DROP COLUMN pixels")),
    Damage("no decisions", sql("DELETE FROM decisions")),
    Damage("one decision missing", sql("DELETE FROM decisions WHERE id = (SELECT MIN(id) FROM decisions)")),
    Damage("a label of 250", sql("UPDATE decisions SET label_after = 250, relabelled = 1")),
    Damage("a label of -1", sql("UPDATE decisions SET label_after = -1, relabelled = 1")),
    Damage("a label that is a text", sql("UPDATE decisions SET label_after = 'box', relabelled = 1")),
    Damage("an unknown image", sql("UPDATE decisions SET image_id = 'image99'")),
    Damage("a way out", sql("UPDATE decisions SET image_id = '../../neighbour/secret', relabelled = 1")),
    Damage("an unknown mask", sql("UPDATE decisions SET mask_id = 77777, relabelled = 1")),
    Damage("a mask that is a text", sql("UPDATE decisions SET mask_id = 'two', relabelled = 1")),
    Damage("pixels that are no runs", sql("UPDATE decisions SET pixels = 'five', relabelled = 1")),
    Damage("a round that is a text", sql("UPDATE decisions SET round = 'one'")),
    Damage("a confidence that is a text", sql("UPDATE decisions SET confidence = 'high'")),
)


def _without(name: str) -> Damage:
    return Damage(f"no column {name}", parquet(lambda table: table.drop_columns([name])))


def _without_notes(path: Path) -> None:
    pq.write_table(pq.read_table(path).replace_schema_metadata(None), path)


def _first(value: Any) -> Any:
    return lambda values: [value, *values[1:]]


_TABLE = (
    *ANY_FILE,
    CUT,
    Damage("a text", holding("image_id,mask_id\n")),
    _without("score"),
    _without("image_id"),
    _without("mean_probability"),
    Damage("rows missing", parquet(lambda table: table.slice(0, 10))),
    Damage("no rows", parquet(lambda table: table.slice(0, 0))),
    Damage("a row twice", parquet(lambda table: pa.concat_tables([table, table.slice(0, 1)]))),
    Damage("scores are texts", column("score", lambda values: [str(v) for v in values], pa.string())),
    Damage("a score that is not a number", column("score", _first(float("nan")))),
    Damage("a score that is null", column("score", _first(None))),
    Damage("an unknown image", column("image_id", _first("image99"))),
    Damage("a way out", column("image_id", _first("../../neighbour/secret"))),
    Damage("a negative mask", column("mask_id", _first(-5))),
    Damage("a label of 77", column("label", lambda values: [77] * len(values))),
    Damage("no notes", _without_notes),
)


_METRICS = (
    *ANY_JSON,
    GONE,
    Damage("a column missing", lacking("data_miou")),
    Damage("a column is a text", setting("data_miou", to="good")),
    Damage("a column is a list", setting("data_miou", to=[1])),
    Damage("a column is not finite", setting("data_miou", to=float("nan"))),
    Damage("the round of another", setting("round", to=7)),
)
_REMAKES = ("a dangling link",)  # what can be made again may be missing
_SECONDS = (
    *(damage for damage in ANY_JSON if damage.name not in _REMAKES),
    Damage("a stage is a text", setting("score", to="long")),
)
_TRAINING = (
    *ANY_JSON,
    Damage("a key missing", lacking("best_mean_iou")),
    Damage("an unknown key", setting("surprise", to=1), ends=0),
    Damage("a value is a text", setting("best_mean_iou", to="good")),
)
_CHECKPOINT = (
    *ANY_FILE,
    CUT,
    Damage("a text", holding("weights\n")),
    Damage("a list", pickled(lambda _: [1, 2, 3])),
    Damage("a number", pickled(lambda _: 3)),
    Damage("nothing in it", pickled(lambda _: {})),
    Damage("keys missing", pickled(lambda path: dict(itertools.islice(_loaded(path).items(), 1)))),
    Damage("a pickle that runs a command", malicious_pickle),
)


def _loaded(path: Path) -> dict[str, Any]:
    """What a file of weights holds, not mapped into memory: the file is written again."""
    import torch
    from safetensors.torch import load

    if path.suffix == ".safetensors":
        return dict(load(path.read_bytes()))
    return dict(torch.load(path, weights_only=True, map_location="cpu", mmap=False))


def _poisoned(values: dict[str, Any]) -> None:
    name = next(key for key in values if values[key].is_floating_point())
    values[name][...] = float("nan")


def _without_first(values: dict[str, Any]) -> None:
    del values[next(key for key in values if values[key].is_floating_point())]


def _reshaped(values: dict[str, Any]) -> None:
    name = next(key for key in values if values[key].ndim > 1)
    values[name] = values[name][:1].clone()


def _retyped(values: dict[str, Any]) -> None:
    name = next(key for key in values if values[key].is_floating_point())
    values[name] = values[name].bool()


_WEIGHTS = (
    *ANY_FILE,
    CUT,
    GONE,
    Damage("a text", holding("weights\n")),
    Damage("a header of many gigabytes", holding(b"\xff\xff\xff\xff\xff\x00\x00\x00{}")),
    Damage("not a number", tensors(_poisoned)),
    Damage("another shape", tensors(_reshaped)),
    Damage("another type", tensors(_retyped)),
    Damage("a tensor missing", tensors(_without_first)),
    Damage("a tensor too many", tensors(lambda values: values.update(extra=next(iter(values.values())).clone()))),
    Damage("a pickle that runs a command", malicious_pickle),
)
_POOL = (
    *(damage for damage in ANY_FILE if damage.name not in _REMAKES),
    CUT,
    Damage("an array missing", arrays(lambda values: values.pop("shape"))),
    Damage("an array cut", arrays(lambda values: values.update(pixels=values["pixels"][:5]))),
    Damage("an array of texts", arrays(lambda values: values.update(label=values["label"].astype(str)))),
    Damage("an array of objects", arrays(lambda values: values.update(label=values["label"].astype(object)))),
    Damage("not a number", arrays(lambda values: values.update(ring=values["ring"] * float("nan")))),
)
_RECORD = (
    *ANY_JSON,
    Damage("no size", lacking("size")),
    Damage("a box of three numbers", setting("detections", 0, "box", to=[1, 2, 3])),
    Damage("a score that is a text", setting("detections", 0, "score", to="high")),
    Damage("a size of one number", setting("size", to=[1])),
    Damage("masks are negative", setting("masks", to=-1)),
)
_CONFIG = (
    *ANY_TEXT,
    Damage("a list", holding("- 1\n")),
    Damage("keys of several kinds", holding("1: a\nx: b\n")),
    Damage("a text for a number", replaced("budget: 4", "budget: many")),
)
_OTHER_CHECKPOINT = Damage("another checkpoint", replaced("checkpoint: last", "checkpoint: best"))


def _but(damage: Damage, damages: Iterable[Damage]) -> tuple[Damage, ...]:
    """All but one."""
    return tuple(other for other in damages if other.name != damage.name)


def rows() -> Iterator[Row]:
    """All rows about work."""
    yield from crossed("outputs/answers.csv", _ANSWERS, on.CORRECT)
    yield from crossed("outputs/audited.csv", _ANSWERS, on.ANSWER_AUDIT)
    ledger = f"{_RUN}/a2lc/ledger.sqlite"
    yield from crossed(ledger, _LEDGER, on.EXPORT, on.RUN_ON)
    yield from crossed("outputs/runs/answered/seed1/a2lc/ledger.sqlite", _LEDGER, on.PROPAGATE)
    yield from crossed("outputs/runs/answered/seed1/a2lc/round_1/mask_table.parquet", _TABLE, on.PROPAGATE)
    yield from crossed("outputs/runs/asked/seed1/a2lc/round_1/mask_table.parquet", _TABLE, on.SELECT)
    yield from crossed("outputs/runs/asked/seed1/a2lc/inbox.sqlite", _but(GONE, _LEDGER[:9]), on.CORRECT)
    new = Damage("missing", GONE.change, ends=0)  # it is begun again, and all answers stand in the file
    yield from crossed("outputs/runs/asked/seed1/a2lc/inbox.sqlite", (new,), on.CORRECT)
    yield from crossed(f"{_RUN}/a2lc/round_1/metrics.json", _METRICS, on.REPORT)
    yield from crossed(f"{_RUN}/a2lc/round_1/metrics.json", _METRICS[::3], on.AGAIN, on.EVALUATE)
    yield from crossed("outputs/runs/asked/seed1/a2lc/round_1/seconds.json", _SECONDS, on.CORRECT)
    yield from crossed("outputs/runs/trained/seed1/round_0/training.json", _TRAINING, on.EVALUATE_FIRST)
    yield from crossed("outputs/runs/stopped/seed1/round_0/training.pt", _CHECKPOINT, on.TRAIN_ON)
    weights = f"{_RUN}/a2lc/round_1/last.safetensors"
    yield from crossed(weights, _WEIGHTS, on.PREDICT, on.PREDICT_FILE)
    yield from crossed(weights, _CHECKPOINT[10:-1], on.PREDICT_FILE)
    yield from crossed("outputs/runs/trained/seed1/round_0/last.safetensors", _WEIGHTS, on.SCORE)
    yield from crossed("outputs/runs/posterior/seed1/round_0/mask_pool.npz", _POOL, on.POSTERIOR_AGAIN)
    yield from crossed(f"{_RUN}/a2lc/config.yaml", _CONFIG, on.AGAIN)
    yield Row(on.AGAIN, f"{_RUN}/a2lc/config.yaml", _OTHER_CHECKPOINT, ("a2lc was made", "checkpoint: best -> last"))
    yield from crossed("audited/audit.json", ANY_JSON, on.AUDIT_AGAIN)
    yield from crossed("audited/masks.parquet", _TABLE[:10], on.AUDIT_AGAIN)
    for damage in ANY_JSON:  # without its record, a folder is somebody's
        yield Row(on.PREDICT_AGAIN, "predicted/predict.json", damage, ("predicted",))
        yield Row(on.GENERATE_AGAIN, "generated/generate.json", damage, ("generated",))
    yield from crossed("generated/records/image00.json", _RECORD, on.GENERATE_AGAIN)
    yield from crossed("cut/generate.json", ANY_JSON[::2], on.SUPERPIXELS_AGAIN)
    yield from crossed("cut/records/image00.json", ANY_JSON[::2], on.SUPERPIXELS_AGAIN)
