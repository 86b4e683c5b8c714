"""Kills and what came of them."""

from __future__ import annotations

import functools
import random
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.campaign.jobs import JOBS, Job
from tests.campaign.results import leftovers, results
from tests.campaign.writes import count_writes, die_before
from tests.catalogue.verdict import message_of
from tests.catalogue.worlds import build, copy_world
from tests.support import forked
from tests.support.forked import Ended

_PATIENCE = 300.0  # seconds until a command that does not end is given up
_LATE = 1.05  # kills are drawn up to this share of the time of an undisturbed command


@dataclass(frozen=True)
class Alone:
    """A command left alone: how long it takes, how often it writes, and what it leaves."""

    seconds: float
    writes: int
    results: Mapping[str, str]


@dataclass
class Trial:
    """One copy of a job's work: killed, then continued.

    Attributes:
        job: What was killed.
        kills: What killed it, in words; a command that ended before is not counted.
        problems: What came of it.
        refused: The sentence of a command that refuses to go on, though everything is there; None where it went on.
    """

    job: Job
    kills: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    refused: str | None = None


class Campaign:
    """Kills jobs in a folder of its own.

    Args:
        folder: For prepared work and copies of it.
        seed: Decides where kills fall: at the same writes each time, and at the same shares of the time.
    """

    def __init__(self, folder: Path, seed: int) -> None:
        self._folder = folder
        self._seed = seed
        self._notes = folder / "notes"
        self._base = build(folder / "worlds")
        self._notes.mkdir()
        self._alone: dict[Job, Alone] = {}

    def trials(self, kills: int, until: float) -> Iterator[Trial]:
        """Try the jobs in turn, until there were enough kills or the time (of `time.monotonic`) has come."""
        number = 0
        while kills > 0 and time.monotonic() < until:
            trial = self._try(JOBS[number % len(JOBS)], random.Random(f"{self._seed} {number}"))
            kills -= len(trial.kills)
            number += 1
            yield trial

    def _try(self, job: Job, draw: random.Random) -> Trial:
        trial = Trial(job)
        try:
            alone = self._alone.get(job) or self._left_alone(job)
        except RuntimeError as error:
            trial.problems.append(str(error))
            return trial
        self._alone[job] = alone
        work = self._copy(job)
        for _ in range(draw.choice((1, 1, 2, 3))):
            ended = self._kill(trial, work, alone, draw)
            if ended is not None:
                break
        else:
            ended = self._end(job, work)
        trial.problems += _differences(alone.results, results(work))
        trial.problems += [f"left behind: {name}" for name in leftovers(work)]
        if ended.code != 0:
            trial.refused = f"exit code {ended.code}: {message_of(ended.errors)[:300]}"
        return trial

    def _kill(self, trial: Trial, work: Path, alone: Alone, draw: random.Random) -> Ended | None:
        """Start the command once and kill it; how it ended, where it ended before."""
        if draw.random() < 0.5:
            number = draw.randrange(max(alone.writes, 1))
            what = f"before write {number} of {alone.writes}"
            process = self._begin(trial.job, work, number)
            process.join(_PATIENCE)
        else:
            delay = draw.uniform(0, _LATE) * alone.seconds
            what = f"after {delay:.3f} s of {alone.seconds:.3f} s"
            process = self._begin(trial.job, work, None)
            process.join(delay)
        process.kill()
        process.join()
        if process.exitcode is None or process.exitcode >= 0:
            return forked.finish(process, self._notes, _PATIENCE)
        trial.kills.append(what)
        return None

    def _left_alone(self, job: Job) -> Alone:
        """Run the job undisturbed, twice: what it leaves must not depend on the day."""
        found = []
        for _ in range(2):
            work = self._copy(job)
            ended = self._end(job, work)
            if ended.code != 0:
                raise RuntimeError(f"{job.line} alone ended with {ended.code}:\n{ended.errors}")
            found.append(Alone(ended.seconds, count_writes(self._notes), results(work)))
        if differing := _differences(found[0].results, found[1].results):
            raise RuntimeError(f"{job.name} alone does not give the same twice: {differing}")
        return found[1]

    def _copy(self, job: Job) -> Path:
        work = self._folder / "work"
        shutil.rmtree(work, ignore_errors=True)
        copy_world(self._base, job.world, work)
        return work

    def _begin(self, job: Job, work: Path, number: int | None) -> forked.Begun:
        prepare = functools.partial(die_before, number, work, self._notes)
        return forked.begin(job.line.split(" "), work, self._notes, prepare=prepare)

    def _end(self, job: Job, work: Path) -> Ended:
        return forked.finish(self._begin(job, work, None), self._notes, _PATIENCE)


def _differences(alone: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    missing = [f"missing: {name}" for name in alone if name not in after]
    more = [f"too many: {name}" for name in after if name not in alone]
    return missing + more + [f"differs: {name}" for name in alone if name in after and alone[name] != after[name]]
