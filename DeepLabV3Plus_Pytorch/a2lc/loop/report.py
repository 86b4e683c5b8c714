"""The results of an experiment: tables and a figure from the metrics of all finished rounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from filelock import FileLock

from a2lc.evaluation.columns import current_names
from a2lc.evaluation.cost import Unit
from a2lc.foundation.errors import InputError, refuse
from a2lc.foundation.files import is_there, read_json, write_text
from a2lc.loop.config import RunConfig
from a2lc.loop.finished import metrics_problems
from a2lc.loop.published import published_for
from a2lc.loop.run import Run
from a2lc.loop.status import Place, Status, expected_places, status_of
from a2lc.reporting import plot_miou, summarise, write_seed_csv

_REMEDY = "delete it and the file DONE beside it, and run a2lc evaluate"


def need_finished(configs: Sequence[RunConfig]) -> None:
    """Refuse to report where no round is finished, before any data are opened or drawn.

    Raises:
        InputError: When no run of the experiment has a measured round.
    """
    if not any(is_there(place.round_folder(0) / "metrics.json") for place in expected_places(configs)):
        raise _nothing_finished(configs[0])


def _nothing_finished(config: RunConfig) -> InputError:
    return InputError(f"no round of {config.experiment} is finished below {config.output}: run it first")


def report(runs: Sequence[Run], command: str, against: Unit = "clicks", go_on: str | None = None) -> Path:
    """Write seed<k>.csv, summary.md and a figure to results/<experiment>/ from the metrics of all finished rounds.

    The summary of an experiment that is not finished says so on top.

    The figure is miou.png against clicks, miou_bits.png or miou_seconds.png against bits or seconds.

    Args:
        runs: All runs of one experiment.
        command: The command that a reader can run to get the same tables.
        against: What effort the summary's headings and the figure count.
        go_on: The command that finishes the experiment; None = `command`.

    Returns:
        The folder.

    Raises:
        InputError: When no round is finished, or nothing was counted in this unit.
    """
    config = runs[0].config
    folder = config.output / "results" / config.experiment
    tables = {seed: table_rows([run for run in runs if run.seed == seed]) for seed in config.seeds}
    if not any(tables.values()):
        raise _nothing_finished(config)
    configs = {run.config.method: run.config for run in runs}
    published = {method: published_for(of_method) for method, of_method in configs.items()}
    left = unfinished([status_of(Place(run.config, run.seed, run.folder)) for run in runs], go_on or command)
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock"):  # another seed may end at the same time
        for seed, rows in tables.items():
            if rows:
                write_seed_csv(folder / f"seed{seed}.csv", rows)
        write_text(folder / "summary.md", summarise(folder, config.experiment, command, published, against, left))
        plot_miou(folder, folder / ("miou.png" if against == "clicks" else f"miou_{against}.png"), against)
    return folder


def unfinished(found: Sequence[Status], command: str) -> str:
    """What is missing of an experiment and how to go on, in Markdown; "" where everything that was asked for is there.

    Args:
        found: How far each of its runs has come.
        command: The command that goes on.
    """
    if not any(one.missing for one in found):
        return ""
    asked = sum(one.place.config.rounds + 1 for one in found)
    measured = sum(len(one.finished) for one in found)
    lines = [
        f"- seed {one.place.seed}, {one.place.config.method}: {len(one.finished)} of {one.place.config.rounds + 1}; "
        f"next: {one.missing[0]}"
        for one in found
        if one.missing
    ]
    head = f"**Unfinished: {measured} of the {asked} rounds asked for are measured (round 0 is the start).**"
    listed = "\n".join(lines)
    return f"{head}\n\n{listed}\n\nGo on with `{command}`."


def table_rows(runs: Sequence[Run]) -> list[Mapping[str, Any]]:
    """The rows of the results table of one seed: every finished round of every method, earlier versions' too."""
    rows: list[Mapping[str, Any]] = []
    for run in runs:
        for round_index in range(run.config.rounds + 1):
            folder = run.round_folder(round_index)
            path = folder / "metrics.json"
            refuse(f"round {round_index} of {run.name} cannot be reported", list(metrics_problems(folder)))
            if is_there(path):
                metrics = read_json(path, dict[str, int | float | None], _REMEDY)
                if metrics.get("round") != round_index:
                    raise InputError(f"{path} is about round {metrics.get('round')}, not {round_index}: {_REMEDY}")
                rows.append({"method": run.config.method, **current_names(metrics)})
    return rows
