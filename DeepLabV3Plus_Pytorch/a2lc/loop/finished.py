"""Whether what a run has finished is still as it was written: ledger, mask tables, metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from a2lc.foundation.digests import file_digest
from a2lc.foundation.errors import refuse
from a2lc.foundation.files import is_there, read_json, write_json
from a2lc.labels.ledger import Ledger
from a2lc.loop.run import Run

_METRICS = "metrics.json"
_STAGES = ("annotate", "propagate")
_RESTORE = "put the ledger back from a copy, or start a new run with experiment=<name> or output=<folder>"


def verify_finished(run: Run, batches: Callable[[int], int] = lambda round_index: 1) -> None:
    """Compare the ledger, mask tables and metrics of a run with what was recorded when they were written.

    Noticed are decisions that are missing, changed or of no recorded stage; a ledger without the stages of a round that
    is trained; a mask table that was changed; metrics that are missing or changed beside DONE. Writes nothing; for the
    main process alone.

    Args:
        run: The run.
        batches: Round → how many batches of questions it must have at least, once its network is trained.

    Raises:
        InputError: Lists every problem, and what to do about it.
    """
    rounds = _rounds(run)
    problems = [*_of_ledgers(run, rounds, batches)]
    problems += [line for index in rounds for line in _of_mask_table(run, index)]
    problems += [line for index in (0, *rounds) for line in metrics_problems(run.round_folder(index))]
    refuse(f"{run.folder} is not as it was left; nothing was changed", problems)


def record_mask_table(run: Run, round_index: int) -> None:
    """Record in the ledger what the mask table of a round holds, once it is written; in the main process."""
    path = run.mask_table_path(round_index)
    run.ledger.record_file(round_index, path.name, run.digests.of(path))


def complete_record(run: Run, round_index: int) -> None:
    """Record a mask table that is not recorded: a kill came between, or an earlier version wrote it."""
    path = run.mask_table_path(round_index)
    if path.is_file() and run.ledger.digest_of(round_index, path.name) is None:
        record_mask_table(run, round_index)


def record_tables(run: Run) -> None:
    """Record the mask tables that are not recorded, where the ledger is begun."""
    ledger = run.ledger.path
    if not (is_there(ledger) and ledger.stat().st_size):  # it is begun with the first answers, not by who only reads
        return
    for index in _rounds(run):
        complete_record(run, index)


def close_round(run: Run, round_index: int) -> None:
    """Write DONE, which says that a round is finished, and what its metrics are."""
    folder = run.round_folder(round_index)
    write_json(folder / "DONE", {_METRICS: file_digest(folder / _METRICS)})


def _rounds(run: Run) -> list[int]:
    """The rounds that have a folder, from 1."""
    names = [path.name.removeprefix("round_") for path in run.folder.glob("round_*")]
    return sorted(int(name) for name in names if name.isdecimal() and int(name))


def _of_ledgers(run: Run, rounds: list[int], batches: Callable[[int], int]) -> Iterator[str]:
    start = Ledger(run.start_folder / "ledger.sqlite")
    for ledger in (run.ledger, start):
        yield from (f"{ledger.path}: {line}; {_RESTORE}" for line in ledger.problems())
    if run.config.start.name != "given" and run.has_first_labels and not start.is_done(0, 0, "annotate"):
        yield f"{start.path} lacks the clicks that the first labels were made of; {_RESTORE}"
    trained = [index for index in rounds if (run.round_folder(index) / "training.json").exists()]
    for index in trained:
        recorded = min(run.ledger.batches(index, stage) for stage in _STAGES)
        if recorded < batches(index):
            yield (
                f"{run.ledger.path} holds {recorded} of at least {batches(index)} batches of corrections of round "
                f"{index}, whose network was trained on them; {_RESTORE}"
            )


def _of_mask_table(run: Run, round_index: int) -> Iterator[str]:
    """A table that is missing is no problem: the round is scored again."""
    path = run.mask_table_path(round_index)
    recorded = run.ledger.digest_of(round_index, path.name)
    if recorded is not None and path.is_file() and run.digests.of(path) != recorded:
        yield (
            f"{path} is not the table that was scored; put it back from a copy, or remove it and a2lc run scores the "
            "round again"
        )


def metrics_problems(folder: Path) -> Iterator[str]:
    """What is wrong with the metrics of a round, a sentence each; nothing where it is not DONE."""
    done = folder / "DONE"
    metrics = folder / _METRICS
    if not is_there(done):
        return
    remedy = f"put it back from a copy, or remove {done} and a2lc run measures the round again"
    if not is_there(metrics):
        yield f"{metrics} is missing beside DONE; {remedy}"
    elif not _is_of(done, metrics):
        yield f"{metrics} is not what was measured; {remedy}"


def _is_of(done: Path, metrics: Path) -> bool:
    """Whether metrics are those with which a round was closed; an earlier version left DONE empty."""
    if not done.stat().st_size:
        return True
    with suppress(ValueError, TypeError, KeyError):
        return bool(read_json(done)[_METRICS] == file_digest(metrics))
    return False
