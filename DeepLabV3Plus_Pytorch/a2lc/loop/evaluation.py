"""How good labels and networks are: the numbers of a round. Ground truth is opened here and by the annotator only."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace

from typing_extensions import TypedDict  # pydantic wants it before Python 3.12

from a2lc.acquisition.table import read_mask_table
from a2lc.evaluation.columns import STAGES, FinishedRound, Value, all_columns, measure
from a2lc.evaluation.comparison import compare_labels
from a2lc.evaluation.metrics import ConfusionMatrix
from a2lc.evaluation.truth import MajorityClasses
from a2lc.foundation.files import is_there, read_json, write_json
from a2lc.foundation.processes import on_main
from a2lc.foundation.readers.schema import record
from a2lc.loop.doubts import collapse, doubts
from a2lc.loop.finished import close_round
from a2lc.loop.run import SECONDS_LOST, Run

_log = logging.getLogger(__name__)
_TRAINING = "delete it, and the same command trains this round again"


@record
class _Training(TypedDict):
    """What training.json must hold."""

    best_mean_iou: float | None
    last_mean_iou: float | None


def evaluate(run: Run, round_index: int) -> None:
    """Measure L_r and θ_r and write metrics.json; the round is DONE. All processes count pixels."""
    folder = run.round_folder(round_index)
    if run.has(folder / "DONE"):
        return
    _log.info("%s: evaluating round %d", run.name, round_index)
    with run.timed(round_index, "evaluate"):
        confusion = data_confusion(run, round_index)
    metrics = _close(run, round_index, confusion)
    _log.info("%s: round %d is done: %s", run.name, round_index, summary_line(metrics))


@on_main
def _close(run: Run, round_index: int, confusion: ConfusionMatrix | None) -> dict[str, Value]:
    """Ask the columns and write what they say."""
    folder = run.round_folder(round_index)
    with run.timed(round_index, "evaluate"):
        finished = finished_round(run, round_index, confusion)
        metrics = measure(finished)
    # the seconds of this stage are known only now
    clocked = replace(finished, seconds=read_json(folder / "seconds.json", dict[str, float], SECONDS_LOST))
    metrics |= measure(clocked, STAGES)
    write_json(folder / "metrics.json", {"round": round_index, **metrics})
    close_round(run, round_index)
    _tell_doubts(run, round_index, finished, metrics)
    return metrics


def _tell_doubts(run: Run, round_index: int, finished: FinishedRound, metrics: Mapping[str, Value]) -> None:
    """Warn of what should be looked at before going on."""
    found = list(doubts(metrics))
    if round_index:
        table = read_mask_table(run.mask_table_path(round_index))
        collapsed = collapse(table, finished.decisions, run.dataset.classes)
        found += [collapsed] if collapsed else []
    for line in found:
        _log.warning("%s, round %d: %s", run.name, round_index, line)


def summary_line(metrics: Mapping[str, Value]) -> str:
    """The most telling numbers of a round in a line."""
    told = ((column.line, metrics.get(column.name)) for column in all_columns() if column.line)
    return ", ".join(f"{text} {value:.4g}" for text, value in told if value is not None)


def data_confusion(run: Run, round_index: int) -> ConfusionMatrix | None:
    """L_r against ground truth, each process its share of the images; None where there is no ground truth."""
    state = run.shared_state(round_index)
    truth = run.dataset.ground_truth
    classes = len(run.dataset.classes)
    if truth is None:
        return None
    found = compare_labels(state, truth, run.processes.share(run.dataset.ids("train")), classes)
    return sum(run.processes.gather(found), start=ConfusionMatrix(classes))


def finished_round(run: Run, round_index: int, confusion: ConfusionMatrix | None = None) -> FinishedRound:
    """What there is to measure of a round.

    Args:
        run: The run.
        round_index: A trained round.
        confusion: From `data_confusion`; None = there is no ground truth.
    """
    folder = run.round_folder(round_index)
    anyone_asked = round_index > 0 or run.config.start.name == "clicks"
    truth = run.dataset.ground_truth
    classes = run.dataset.classes
    seconds = folder / "seconds.json"
    return FinishedRound(
        index=round_index,
        classes=classes,
        training=read_json(folder / "training.json", _Training, _TRAINING),
        decisions=run.ledger.decisions_of(round_index) if anyone_asked else [],
        asked=run.ledger.answers(up_to_round=round_index) if anyone_asked else [],
        confusion=confusion,
        majority=None if truth is None else MajorityClasses(truth, run.pseudo_labels.masks, len(classes)),
        about=read_mask_table(run.mask_table_path(round_index)).about if round_index else {},
        seconds=read_json(seconds, dict[str, float], SECONDS_LOST) if is_there(seconds) else {},
    )
