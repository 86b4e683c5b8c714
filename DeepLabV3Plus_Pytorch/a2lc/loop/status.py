"""How far runs have come, told by their files alone: what is done and what is left, who works on it, who is waited for.

Everything here reads; nothing is opened that a run needs to work.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from a2lc.foundation.errors import InputError
from a2lc.foundation.files import read_json
from a2lc.foundation.layers import read_yaml
from a2lc.foundation.locks import Holder, holder
from a2lc.labels.ledger import Ledger
from a2lc.loop.config import RunConfig
from a2lc.loop.made_with import config_in
from a2lc.loop.progress import batches_of
from a2lc.loop.run import SECONDS_LOST

_SEED = re.compile(r"seed(\d+)")
_DEPTHS = ("", "*/", "*/*/", "*/*/*/", "*/*/*/*/")  # from a method's folder up to the folder of runs/
_FIRST = ("train", "evaluate")
_LATER = ("score", "annotate", "propagate", "train", "evaluate")


@dataclass(frozen=True)
class Place:
    """Where a method with a seed lies on the disk, and what is asked of it.

    Attributes:
        config: Its configuration.
        seed: The seed.
        folder: `…/seed<k>/<method>`; may not be there yet.
    """

    config: RunConfig
    seed: int
    folder: Path

    @property
    def name(self) -> str:
        """How it is called in messages."""
        return f"{self.config.experiment}, seed {self.seed}, {self.config.method}"

    def round_folder(self, round_index: int) -> Path:
        """Folder of a round; round 0 is shared by the methods."""
        return (self.folder if round_index else self.folder.parent) / f"round_{round_index}"


@dataclass(frozen=True)
class Stage:
    """A stage of a round: start, train, score, annotate, propagate or evaluate."""

    round_index: int
    name: str

    def __str__(self) -> str:
        return f"{self.name}, round {self.round_index}"


@dataclass(frozen=True)
class Status:
    """How far a run has come.

    Attributes:
        place: Where it lies.
        finished: Rounds that are measured.
        missing: Stages that are left, in order; none where the run is finished.
        holder: Who works on the seed; None = nobody.
        queue: Questions that wait for people; None = none do.
        seconds: What each stage took that has been timed.
        log: The last lines of its log.
    """

    place: Place
    finished: tuple[int, ...]
    missing: tuple[Stage, ...]
    holder: Holder | None
    queue: Path | None
    seconds: dict[Stage, float]
    log: tuple[str, ...]

    @property
    def runs(self) -> bool:
        """Whether a process works on it now."""
        return self.holder is not None and self.holder.work in ("", self.place.config.method)


def expected_places(configs: Sequence[RunConfig]) -> list[Place]:
    """What configurations ask for, seed by seed."""
    return [
        Place(config, seed, config.output / "runs" / config.experiment / f"seed{seed}" / config.method)
        for seed in configs[0].seeds
        for config in configs
    ]


def found_places(folder: Path) -> list[Place]:
    """The runs in a folder: that of a method, a seed, an experiment, of runs/ or the output.

    Raises:
        InputError: When there is none.
    """
    configs = (path for depth in _DEPTHS for path in folder.glob(f"{depth}config.yaml"))
    found = [_place(path) for path in sorted(configs) if _SEED.fullmatch(path.resolve().parent.parent.name)]
    places = [place for place in found if place is not None]
    if not places:
        raise InputError(f"{folder} holds no run: give the folder of one, or a configuration and its settings")
    return places


def _place(path: Path) -> Place | None:
    """The run of a config.yaml; None for that of a round that methods share."""
    folder = path.parent
    found = _SEED.fullmatch(folder.resolve().parent.name)
    if found is None or folder.resolve().name == "round_0":
        return None
    try:
        config = RunConfig.model_validate(read_yaml(path))
    except (ValueError, TypeError) as error:
        raise InputError(f"{path} is not a configuration of this version ({error}): name another folder") from None
    begun = [int(path.name.removeprefix("round_")) for path in folder.glob("round_*[0-9]")]
    asked = max([config.rounds, *begun])  # it may have been continued with more rounds than it was begun with
    return Place(config.model_copy(update={"rounds": asked}), int(found[1]), folder)


def status_of(place: Place, lines: int = 3) -> Status:
    """Look at the files of a run.

    Args:
        place: Where they are.
        lines: Last lines of the log to read.
    """
    ledger = Ledger(place.folder / "ledger.sqlite")
    missing = tuple(_missing(place, ledger))
    return Status(
        place=place,
        finished=tuple(index for index in range(place.config.rounds + 1) if _has(place, index, "DONE")),
        missing=missing,
        holder=holder(place.folder.parent),
        queue=_queue(place, ledger, missing),
        seconds=dict(_seconds(place)),
        log=_last_lines(place.folder / "log.txt", lines),
    )


def seconds_left(status: Status, others: Sequence[Status]) -> float | None:
    """How long the missing stages take, by those of the same name that are finished, its own before those of others.

    Returns:
        Seconds; None where a stage of a kind that is missing has not been finished anywhere yet.
    """
    total = 0.0
    for stage in status.missing:
        known = next((mean for one in (status, *others) if (mean := _mean(one, stage)) is not None), None)
        if known is None:
            return None
        total += known
    return total


def _mean(status: Status, stage: Stage) -> float | None:
    """The mean seconds of a stage over the rounds of a run."""
    if stage.name == "train" and not status.place.config.training.iterations:
        return 0.0
    taken = [seconds for other, seconds in status.seconds.items() if other.name == stage.name]
    return math.fsum(taken) / len(taken) if taken else None


def _missing(place: Place, ledger: Ledger) -> Iterator[Stage]:
    """The stages that are left. A round that finds no mask to ask about is the end."""
    if place.config.start.name != "given" and not (place.folder.parent / "start/pseudo_labels/manifest.json").exists():
        yield Stage(0, "start")
    for index in range(place.config.rounds + 1):
        for name in _LATER if index else _FIRST:
            if not _is_done(place, ledger, index, name):
                yield Stage(index, name)
            elif name == "annotate" and not any(one.queried for one in ledger.decisions_of(index)):
                return


def _is_done(place: Place, ledger: Ledger, round_index: int, stage: str) -> bool:
    if stage in ("annotate", "propagate"):
        recorded = ledger.batches(round_index, stage)
        asked_nothing = recorded and not any(one.queried for one in ledger.decisions_of(round_index))
        return bool(recorded >= batches_of(config_in(place.config, place.folder, round_index)) or asked_nothing)
    names = {"train": "training.json", "score": "mask_table.parquet", "evaluate": "DONE"}
    return _has(place, round_index, names[stage])


def _has(place: Place, round_index: int, name: str) -> bool:
    return (place.round_folder(round_index) / name).is_file()


def _queue(place: Place, ledger: Ledger, missing: Sequence[Stage]) -> Path | None:
    """The queue of the batch that is to be answered, if it is written."""
    if not missing or missing[0].name != "annotate":
        return None
    index = missing[0].round_index
    batch = ledger.batches(index, "annotate")
    path = place.round_folder(index) / (f"queue_{batch}.csv" if batch else "queue.csv")
    return path if path.is_file() else None


def _seconds(place: Place) -> Iterator[tuple[Stage, float]]:
    """What stages took so far."""
    for index in range(place.config.rounds + 1):
        path = place.round_folder(index) / "seconds.json"
        if path.is_file():
            for name, seconds in read_json(path, dict[str, float], SECONDS_LOST).items():
                if name in _LATER and _has(place, index, "training.json"):
                    yield Stage(index, name), seconds


def _last_lines(path: Path, count: int) -> tuple[str, ...]:
    """The last lines of a log; none where it is not there."""
    if not path.is_file() or count < 1:
        return ()
    return tuple(path.read_text(encoding="utf-8", errors="replace").splitlines()[-count:])
