"""What the rows of the catalogue are tried on: finished, waiting and interrupted work, prepared once and copied."""

from __future__ import annotations

import csv
import shutil
import time
from pathlib import Path

from a2lc.classes import parse_classes
from tests.support import forked
from tests.support.tiny import SETTINGS, tiny_data

COMMON = " ".join(
    (
        *("folder dataset.root=data output=outputs rounds=1 budget=4", *SETTINGS),
        *("training.iterations=2", "training.validate_every=2", "training.save_every=1", "propagation.epochs=2"),
    )
)
ASKED = f"{COMMON} annotator=answers experiment=asked"
TRAINED = f"{COMMON} experiment=trained"
SCORED = f"{COMMON} annotator=answers experiment=scored"
ANSWERED = f"{COMMON} annotator=answers experiment=answered"
POSTERIOR = f"{COMMON} method=posterior training.iterations=0 experiment=posterior"
STOPPED = f"{COMMON} training.iterations=5000 training.validate_every=5000 experiment=stopped"
AUDIT = f"{COMMON} --to audited --folds 2 --labels data/pseudo_labels --min-pixels 10"
SWEEP = "runs:\n- {config: folder, settings: {dataset.root: data}}\nseeds: [1]\n"

# world: the folders of it
WORLDS = {
    "data": ("data", "tools"),
    "finished": ("data", "tools", "outputs/runs/folder", "outputs/results/folder"),
    "posterior": ("data", "outputs/runs/posterior"),
    "trained": ("data", "outputs/runs/trained"),
    "scored": ("data", "outputs/runs/scored"),
    "asked": ("data", "outputs/runs/asked", "outputs/answers.csv"),
    "answered": ("data", "outputs/runs/answered"),
    "stopped": ("data", "outputs/runs/stopped"),
    "audited": ("data", "audited", "outputs/audited.csv"),
    "predicted": ("data", "tools", "outputs/runs/folder", "predicted"),
    "generated": ("data", "generated"),
    "cut": ("data", "cut"),
    "research": ("data", "research"),
}


def build(base: Path) -> Path:
    """Make every world in a folder; some twenty commands."""
    work, notes = base / "work", base / "notes"
    notes.mkdir(parents=True)
    classes = parse_classes({"classes": ["ground", "box", "disc"]}, "test classes")
    data = tiny_data(work / "data", classes)
    (data / "train.txt").write_text("".join(f"image{index:02d}\n" for index in range(6)))
    tools = work / "tools"
    tools.mkdir()
    (tools / "config.yaml").write_text("base: folder\ndataset: {root: data}\nrounds: 1\nbudget: 4\n")
    (tools / "sweep.yaml").write_text(SWEEP)
    for line in (
        f"a2lc run {COMMON}",
        f"a2lc run {POSTERIOR}",
        f"a2lc train {TRAINED}",
        *(f"a2lc {verb} {SCORED}" for verb in ("train", "score")),
        *(f"a2lc {verb} {settings}" for settings in (ASKED, ANSWERED) for verb in ("train", "score", "select")),
        f"a2lc audit {AUDIT}",
        f"a2lc predict {COMMON} --images data/images --to predicted",
        "grounded-sam generate folder dataset.root=data output=generated",
        "grounded-sam superpixels data/images cut --classes data/classes.yaml",
        "grounded-sam export data/pseudo_labels --classes data/classes.yaml --to research",
    ):
        _well(line, work, notes)
    _fill(work / "outputs/runs/asked/seed1/a2lc/round_1/queue.csv", work / "outputs/answers.csv")
    _fill(work / "audited/queue.csv", work / "outputs/audited.csv")
    queue = work / "outputs/runs/answered/seed1/a2lc/round_1/queue.csv"
    _fill(queue, queue)
    _well(f"a2lc correct {ANSWERED}", work, notes)
    (work / "generated/manifest.json").unlink()  # as if it had been stopped before its last image
    (work / "cut/manifest.json").unlink()
    _stop(work, notes)
    return work


def _well(line: str, folder: Path, notes: Path) -> None:
    ended = forked.run(line.split(), folder, notes, forked.Limits(seconds=120, patience=300))
    if ended.code != 0:
        raise RuntimeError(f"{line} ended with {ended.code}:\n{ended.errors}")


def _fill(queue: Path, target: Path) -> None:
    """Answer every question of a queue with yes."""
    with queue.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    with target.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows({**row, "answer": "yes"} for row in rows)


def _stop(work: Path, notes: Path) -> None:
    """Kill a training once its state stands on the disk."""
    process = forked.begin(f"a2lc train {STOPPED}".split(), work, notes)
    state = work / "outputs/runs/stopped/seed1/round_0/training.pt"
    while not state.exists() and process.is_alive():
        time.sleep(0.01)
    process.kill()
    process.join()


def copy_world(base: Path, name: str, target: Path) -> None:
    """Copy the folders of a world."""
    for part in WORLDS[name]:
        source, copy = base / part, target / part
        copy.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, copy)
        else:
            shutil.copy(source, copy)
