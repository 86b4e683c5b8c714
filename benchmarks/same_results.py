"""Do two checkouts compute the same? Runs the same commands with both on this machine and compares what they leave.

    python benchmarks/same_results.py OLD NEW --work FOLDER [--data pascal_animals --weights FILE] [--all-masks FOLDER]

OLD and NEW are checkouts of this repository. The commands: the demo, an audit of the demo's labels, a queue for people,
and, where the data are given, the first round of three methods on real images and the simulation on all masks of VOC
2012. What a checkout left in FOLDER already is not computed again. Compared are tables, ledgers (row by row without
the time), mask tables, weights, label maps and queues; columns of seconds are left out, renamed columns are matched.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

RENAMED = {
    "lcm_changes": "propagated_changes",
    "lcm_precision": "propagated_precision",
    "lcm_right_before": "propagated_right_before",
}
WAITING = 3  # exit code of a command that leaves questions for people
EXACT = (".safetensors", ".npz", ".png")
INBOX = "inbox.sqlite"  # came later: single answers before they are decisions
DRAWN = ("miou.png",)  # figures: their bytes hang on the drawing library's mood, their numbers stand in the tables


def commands(arguments: argparse.Namespace) -> Iterator[tuple[str, list[str]]]:
    """Name and arguments of every command."""
    yield "demo", ["run", "demo"]
    yield "audit", ["audit", "demo", "--labels", "data/toyscapes/pseudo_labels", "--to", "audit_toyscapes"]
    without_network = ["method=posterior", "training.iterations=0", "seeds=1", "rounds=1", "budget=20"]
    yield "answers", ["run", "demo", "experiment=answers", "annotator=answers", *without_network]
    if arguments.all_masks:
        folder = arguments.all_masks
        yield (
            "posterior-pascal",
            [
                *("run", "posterior-pascal", f"pseudo_labels={folder}/grounded_sam/0.2"),
                *(f"truth={folder}/SegmentationClass", f"ids={folder}/train.txt"),
            ],
        )
    if arguments.data:
        yield (
            "animals",
            [
                *("run", "pascal", f"dataset.root={arguments.data}", "experiment=animals", "fidelity=corrected"),
                f"pseudo_labels={arguments.data}/grounded_sam/0.2",
                *("network.backbone=mobilenetv1_100", f"network.backbone_weights={arguments.weights}"),
                *("method=a2lc,alc,posterior", "seeds=1", "rounds=1", "budget=100", "network.output_stride=16"),
                *("training.iterations=100", "training.batch_size=8", "training.crop_size=193"),
                "training.validate_every=0",
            ],
        )


def produce(checkout: Path, folder: Path, name: str, command: Sequence[str]) -> None:
    """Run one command of a checkout in a folder, unless that was done."""
    mark = folder / f"{name}.done"
    if mark.exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    wings = [str(checkout / "DeepLabV3Plus_Pytorch"), str(checkout / "Grounded-Segment-Anything")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(wings)}
    print(f"{checkout}: a2lc {' '.join(command)}", flush=True)
    with (folder / f"{name}.log").open("w") as log:
        call = [sys.executable, "-m", "a2lc.cli", *command]
        code = subprocess.run(call, cwd=folder, env=environment, stdout=log, stderr=log).returncode
    if code not in (0, WAITING):
        raise SystemExit(f"exit code {code}: see {folder / f'{name}.log'}")
    mark.touch()


def differences(old: Path, new: Path) -> Iterator[str]:
    """A line for every file that differs, or that only one of them has."""
    names = {path.relative_to(folder) for folder in (old, new) for path in folder.rglob("*") if path.is_file()}
    for name in sorted(name for name in names if reader_of(name)):
        content = reader_of(name)
        assert content is not None
        missing = [folder for folder in (old, new) if not (folder / name).exists()]
        if (
            missing
            and name.suffix == ".sqlite"
            and not any(content(next(iter({old, new} - {*missing})) / name).values())
        ):
            continue  # an empty ledger; newer versions make the file with the first decision
        if missing:
            yield f"{name}: missing in {missing[0]}"
        elif content(old / name) != content(new / name):
            yield f"{name}: differs"


def reader_of(name: Path) -> Callable[[Path], Any] | None:
    """What is compared of a file; None for logs, times, pages and figures."""
    if name.name in (*DRAWN, INBOX) or name.parts[0] == "data":
        return None
    if name.suffix in EXACT:
        return Path.read_bytes
    readers: dict[str, Callable[[Path], Any]] = {
        ".csv": read_table,
        ".sqlite": read_ledger,
        ".parquet": read_parquet,
        "metrics.json": read_metrics,
    }
    return readers.get(name.name) or readers.get(name.suffix)


def read_table(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file without columns of seconds."""
    with path.open(newline="", encoding="utf-8") as file:
        return [lasting(row) for row in csv.DictReader(file)]


def read_metrics(path: Path) -> dict[str, Any]:
    """The numbers of a round."""
    return lasting(json.loads(path.read_text(encoding="utf-8")))


def lasting(row: dict[str, Any]) -> dict[str, Any]:
    """A row under its new names, without seconds."""
    return {RENAMED.get(key, key): value for key, value in row.items() if not key.startswith("seconds")}


def read_ledger(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of the tables that every version has, without the time."""
    with sqlite3.connect(path) as connection:
        connection.row_factory = sqlite3.Row
        tables = {name: connection.execute(f"select * from {name}").fetchall() for name in ("decisions", "stages")}
    return {
        name: [tuple(row[key] for key in row.keys() if key != "time") for row in rows]  # noqa: SIM118  a row iterates its values
        for name, rows in tables.items()
    }


def read_parquet(path: Path) -> Any:
    """All columns of a mask table, and what it says about itself."""
    table = pq.read_table(path)
    return table.to_pydict(), table.schema.metadata


def main(argv: Sequence[str] | None = None) -> int:
    """Run, compare, print; 0 when nothing differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", type=Path, help="checkout whose results count as right")
    parser.add_argument("new", type=Path, help="checkout that is to give the same")
    parser.add_argument("--work", type=Path, required=True, help="folder for the results of both")
    parser.add_argument("--data", type=Path, help="PASCAL images with grounded_sam/0.2 in the same folder")
    parser.add_argument("--weights", type=Path, help="weights of mobilenetv1_100 for --data")
    parser.add_argument("--all-masks", type=Path, help="folder with grounded_sam/0.2, SegmentationClass and train.txt")
    arguments = parser.parse_args(argv)
    for name, command in commands(arguments):
        for side in ("old", "new"):
            produce(getattr(arguments, side).resolve(), arguments.work / side, name, command)
    found = list(differences(arguments.work / "old", arguments.work / "new"))
    compared = sum(reader_of(path.relative_to(arguments.work / "new")) is not None for path in walk(arguments.work))
    print("\n".join([*found, f"{len(found)} of {compared} files differ"]))
    return 1 if found else 0


def walk(work: Path) -> list[Path]:
    """All files that the new checkout left."""
    return [path for path in (work / "new").rglob("*") if path.is_file()]


if __name__ == "__main__":
    raise SystemExit(main())
