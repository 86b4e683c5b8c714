"""What is fuzzed: good files, and how one is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from a2lc.annotators.base import Query
from a2lc.annotators.filled import read_answers
from a2lc.annotators.inbox import Question
from a2lc.classes import ClassSet, load_classes, parse_classes
from a2lc.labels.check import check_pseudo_labels
from a2lc.labels.ledger import Decision, Ledger
from a2lc.labels.state import LabelState
from a2lc.labels.store import PseudoLabelWriter, open_pseudo_labels
from a2lc.loop.config import load_config
from a2lc.sweep.settings import load_sweep
from grounded_sam.settings import load_settings

_SIZE = (4, 6)
_QUEUE = (
    "key,image_id,mask_id,shown_class,score,answer,seconds,crop\r\n"
    "q00001,a,1,box,0.5,yes,4.5,crops/1.png\r\n"
    "q00002,b/c,2,disc,0.25,ground,,crops/2.png\r\n"
)
_CONFIG = (
    "base: folder\ndataset: {root: data}\nrounds: 2\nbudget: 50\nmethod: a2lc,random\nseeds: [1, 2]\n"
    "training: {iterations: 100, learning_rate: 1e-3}\npropagation:\n  threshold: [0.5, 0.6]\n"
)
_GENERATE = "base: folder\ndataset: {root: data}\nfilters: {score_threshold: 0.3, class_thresholds: {box: 0.5}}\n"
_SWEEP = "runs:\n- {config: demo, methods: [a2lc, alc]}\n- config: demo\n  settings: {experiment: x}\nseeds: 1,2\n"
_CLASSES = (
    "classes:\n- ground\n- {name: box, prompts: [box, crate], color: [1, 2, 3]}\n- disc\nunmasked: void\nvoid: 255\n"
)


@dataclass(frozen=True)
class Target:
    """A reader.

    Attributes:
        name: For the report.
        good: Writes a good file of each kind into a folder; each is damaged and read in its place.
        read: Reads the file; refuses by an InputError what cannot be meant.
        by_cells: Whether the file is SQLite, whose cells are changed, too.
    """

    name: str
    good: Callable[[Path], list[Path]]
    read: Callable[[Path], object]
    by_cells: bool = False


def _class_set() -> ClassSet:
    return parse_classes({"classes": ["ground", "box", "disc"]}, "classes")


def _a_set(folder: Path) -> list[Path]:
    writer = PseudoLabelWriter(folder, _class_set(), {"backend": "test"})
    for name in ("a", "b/c"):
        masks = np.zeros(_SIZE, dtype=np.uint16)
        masks[:2, :3], masks[2:, 3:] = 1, 2
        writer.write(name, np.where(masks > 0, masks, 255).astype(np.uint8), masks)
    writer.finish()
    return [folder / "manifest.json"]


def _read_set(manifest: Path) -> None:
    found = open_pseudo_labels(manifest.parent)
    ids = list(found.image_ids())
    check_pseudo_labels(found, ids, _class_set(), lambda _: _SIZE)
    for image_id in ids:
        found.labels(image_id)
        found.masks(image_id)


def _texts(**contents: str) -> Callable[[Path], list[Path]]:
    """Writes text files; their names are the keys, with '_' for the last '.'."""

    def good(folder: Path) -> list[Path]:
        folder.mkdir(parents=True, exist_ok=True)
        paths = [folder / name.replace("_", ".") for name in contents]
        for path, text in zip(paths, contents.values(), strict=True):
            path.write_text(text, encoding="utf-8", newline="")
        return paths

    return good


def _read_queue(path: Path) -> None:
    keys = (("a", 1, 1), ("b/c", 2, 2))
    questions = [
        Question(number, Query(image, mask, label, 0.5, (0, 0))) for number, (image, mask, label) in enumerate(keys)
    ]
    read_answers(path, questions, _class_set(), "fuzz")


def _a_ledger(folder: Path) -> list[Path]:
    _a_set(folder / "set")
    path = folder / "ledger.sqlite"
    decisions = [
        Decision("a", 1, 1, 2, True, True, "answers", annotator="ann", seconds=2.5),
        Decision("b/c", 2, 2, 2, False, False, "lcm", confidence=0.75),
    ]
    Ledger(path).record(1, 0, "annotate", decisions[:1])
    Ledger(path).record(1, 0, "propagate", decisions[1:])
    return [path]


def _read_ledger(path: Path) -> None:
    ledger = Ledger(path)
    ledger.decisions()
    ledger.batches(1, "propagate")
    state = LabelState(
        open_pseudo_labels(path.parent / "set"), ledger.corrections(up_to_round=1), ledger.pixel_corrections()
    )
    for image_id in ("a", "b/c"):
        state.labels(image_id)


TARGETS = (
    Target("manifest", _a_set, _read_set),
    Target("queue", _texts(queue_csv=_QUEUE), _read_queue),
    Target("classes", _texts(classes_yaml=_CLASSES), load_classes),
    Target("configuration", _texts(run_yaml=_CONFIG), lambda path: load_config(str(path))),
    Target("generation", _texts(generate_yaml=_GENERATE), lambda path: load_settings(str(path))),
    Target("sweep", _texts(sweep_yaml=_SWEEP), load_sweep),
    Target("ledger", _a_ledger, _read_ledger, by_cells=True),
)
