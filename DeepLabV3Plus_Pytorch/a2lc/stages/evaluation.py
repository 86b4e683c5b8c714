"""The stage that measures a round and closes it."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from a2lc.evaluation import data_confusion, round_metrics, stage_seconds
from a2lc.foundation.files import write_json
from a2lc.run import Run

_log = logging.getLogger(__name__)


def evaluate(run: Run, round_index: int) -> None:
    """Measure L_r and θ_r and write metrics.json; the round is DONE. All processes count pixels."""
    folder = run.round_folder(round_index)
    if run.has(folder / "DONE"):
        return
    _log.info("%s: evaluating round %d", run.name, round_index)
    with run.timed(round_index, "evaluate"):
        confusion = data_confusion(run, round_index)
        metrics = run.processes.on_main(lambda: round_metrics(run, round_index, confusion))
    run.processes.on_main(lambda: _close(run, round_index, metrics))
    _log.info("%s: round %d is done: %s", run.name, round_index, summary_line(metrics))


def _close(run: Run, round_index: int, metrics: Mapping[str, object]) -> None:
    folder = run.round_folder(round_index)
    write_json(folder / "metrics.json", {**metrics, **stage_seconds(run, round_index)})
    (folder / "DONE").touch()


def summary_line(metrics: Mapping[str, object]) -> str:
    """The most telling numbers of a round in a line."""
    shown = {"clicks": "clicks", "data_miou": "data mIoU", "model_miou_best": "model mIoU (best)"}
    parts = [f"{text} {metrics[key]:.4g}" for key, text in shown.items() if metrics.get(key) is not None]
    return ", ".join(parts)
