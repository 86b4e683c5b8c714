"""How good labels and networks are: the numbers of a round. Ground truth is opened here and by the annotator only."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from a2lc.acquisition.table import read_mask_table
from a2lc.evaluation.comparison import compare_labels
from a2lc.evaluation.cost import classification_bits, correction_bits
from a2lc.evaluation.metrics import ConfusionMatrix
from a2lc.foundation.files import read_json, write_json
from a2lc.labels.ledger import Decision
from a2lc.loop.run import Run

_log = logging.getLogger(__name__)

DATA_METRICS = {  # column of the table: field of SegmentationMetrics
    "data_miou": "mean_iou",
    "data_miou_present": "mean_iou_present",
    "data_miou_strict": "mean_iou_strict",
    "data_accuracy": "accuracy",
    "data_mean_accuracy": "mean_class_accuracy",
    "data_fw_accuracy": "frequency_weighted_accuracy",
}
STAGES = ("train", "score", "annotate", "propagate", "evaluate")


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


def data_confusion(run: Run, round_index: int) -> ConfusionMatrix | None:
    """L_r against ground truth, each process its share of the images; None where there is no ground truth."""
    state = run.processes.on_main(lambda: run.state(round_index))
    truth, ids, classes = run.dataset.ground_truth, run.dataset.ids("train"), len(run.dataset.classes)
    if truth is None:
        return None
    found = compare_labels(state, truth, run.processes.share(ids), classes)
    return sum(run.processes.gather(found), start=ConfusionMatrix(classes))


def round_metrics(run: Run, round_index: int, confusion: ConfusionMatrix | None = None) -> dict[str, Any]:
    """All numbers of a round, one row of the results table: fractions in [0, 1], counts, seconds; None = not known.

    Args:
        run: The run.
        round_index: A trained round.
        confusion: From `data_confusion`; None = there is no ground truth.
    """
    training = read_json(run.round_folder(round_index) / "training.json")
    anyone_asked = round_index > 0 or run.config.start.name == "clicks"
    decisions = run.ledger.decisions_of(round_index) if anyone_asked else []
    asked = run.ledger.answers(up_to_round=round_index) if anyone_asked else []
    data = _data_metrics(run, confusion)
    return {
        "round": round_index,
        "clicks": len(asked),
        **query_costs(asked, len(run.dataset.classes)),
        **{key: value for key, value in data.items() if not key.startswith("iou_")},
        "model_miou_best": training["best_mean_iou"],
        "model_miou_last": training["last_mean_iou"],
        **_correction_metrics(run, round_index, decisions),
        **{key: value for key, value in data.items() if key.startswith("iou_")},
    }


def query_costs(asked: Sequence[Decision], num_classes: int) -> dict[str, float | None]:
    """What queries cost, in bits of ALC's cost model (`a2lc.evaluation.cost`) and in seconds of the annotator.

    A query whose label was right costs the bit of a yes, one whose label was wrong the choice of a class. A skipped
    query was read too: one bit. "Right" is what it is in the column p: answered and not relabelled.

    Args:
        asked: Queries with their answers.
        num_classes: L; a single class leaves nothing to choose, so it has no cost in bits.

    Returns:
        `bits`; `bits_classification`, had every query asked for the class; `annotator_seconds` of those queries whose
        seconds are known. None = not known.
    """
    wrong = sum(decision.relabelled for decision in asked)
    seconds = [decision.seconds for decision in asked if decision.seconds is not None]
    costs = dict.fromkeys(["bits", "bits_classification"])
    if num_classes > 1:
        costs["bits"] = (len(asked) - wrong) * correction_bits(1, num_classes) + wrong * correction_bits(0, num_classes)
        costs["bits_classification"] = len(asked) * classification_bits(num_classes)
    return {**costs, "annotator_seconds": math.fsum(seconds) if seconds or not asked else None}


def _data_metrics(run: Run, confusion: ConfusionMatrix | None) -> dict[str, Any]:
    classes = run.dataset.classes.names
    if confusion is None:
        return dict.fromkeys([*DATA_METRICS, "data_unlabelled", *(f"iou_{name}" for name in classes)])
    metrics = confusion.to_metrics().to_dict()
    data = {column: metrics[name] for column, name in DATA_METRICS.items()}
    data["data_unlabelled"] = metrics["unlabelled"] / max(metrics["pixels"], 1)
    return data | {f"iou_{name}": value for name, value in zip(classes, metrics["class_iou"], strict=True)}


def _correction_metrics(run: Run, round_index: int, decisions: Sequence[Decision]) -> dict[str, Any]:
    """What the annotator and the propagation did in a round."""
    answered = [decision for decision in decisions if decision.queried and decision.label_after is not None]
    changed = [decision for decision in answered if decision.relabelled]
    propagated = list({decision.key: decision for decision in decisions if not decision.queried}.values())  # the newest
    void = run.dataset.classes.void
    about = read_mask_table(run.mask_table_path(round_index)).about if round_index else {}
    return {
        "p": 1 - len(changed) / len(answered) if answered else None,
        "skipped": sum(decision.queried for decision in decisions) - len(answered),
        "annotator_changes": len(changed),
        "void_answers": sum(decision.label_after == void for decision in changed),
        "lcm_changes": len(propagated),
        "lcm_precision": _share_right(run, propagated, "label_after"),
        "lcm_right_before": _share_right(run, propagated, "label_before"),
        "class_imbalance": about.get("class_imbalance"),
    }


def _share_right(run: Run, propagated: Sequence[Decision], which: str) -> float | None:
    """Share of automatic changes whose label before or after is the majority class of the mask's ground truth."""
    truth, classes = run.dataset.ground_truth, len(run.dataset.classes)
    if truth is None or not propagated:
        return None
    by_image: dict[str, list[Decision]] = {}
    for decision in propagated:
        by_image.setdefault(decision.image_id, []).append(decision)
    right = sum(
        _is_majority(truth.labels(image_id)[masks == decision.mask_id], getattr(decision, which), classes)
        for image_id, group in by_image.items()
        for masks in [run.pseudo_labels.masks(image_id)]
        for decision in group
    )
    return right / len(propagated)


def _is_majority(truth: np.ndarray, label: int | None, classes: int) -> bool:
    counts = np.bincount(truth, minlength=256)[:classes]
    return label is not None and label < classes and counts.max() > 0 and counts[label] == counts.max()


def stage_seconds(run: Run, round_index: int) -> dict[str, Any]:
    """Wall-clock seconds of each stage of a round."""
    seconds = read_json(run.round_folder(round_index) / "seconds.json")
    return {f"seconds_{stage}": seconds.get(stage) for stage in STAGES}
