"""Any label maps against ground truth, with no image and no run: `a2lc evaluate --labels`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from a2lc.classes import ClassSet, load_classes
from a2lc.datasets import read_id_list
from a2lc.evaluation.comparison import compare_labels
from a2lc.evaluation.metrics import SegmentationMetrics
from a2lc.formats import Reading, open_labels
from a2lc.foundation.errors import InputError
from a2lc.labels.check import SetSummary, check_pseudo_labels


def evaluate(arguments: argparse.Namespace, command: str) -> None:
    """Print how well a label set agrees with ground truth; needs no image and no run."""
    missing = [name for name in ("labels", "ground_truth", "classes") if not getattr(arguments, name)]
    if missing:
        raise InputError(f"--{missing[0].replace('_', '-')} is missing: see a2lc evaluate --help")
    classes = load_classes(arguments.classes)
    reading = Reading(classes)
    labels = open_labels(Path(arguments.labels), reading)
    ids = read_id_list(Path(arguments.ids)) if arguments.ids else tuple(labels.image_ids())
    summary = check_pseudo_labels(labels, ids, classes)
    truth = open_labels(Path(arguments.ground_truth), reading)
    metrics = compare_labels(labels, truth, ids, len(classes)).to_metrics()
    sys.stdout.write(_comparison(summary, metrics, classes))


def _comparison(summary: SetSummary, metrics: SegmentationMetrics, classes: ClassSet) -> str:
    lines = [
        f"images                          {summary.images:,}",
        f"masks                           {summary.masks:,}",
        f"data mIoU                       {metrics.mean_iou:.2%}",
        f"data mIoU, classes present      {metrics.mean_iou_present:.2%}",
        f"accuracy                        {metrics.accuracy:.2%}",
        f"mean class accuracy             {metrics.mean_class_accuracy:.2%}",
        f"frequency-weighted accuracy     {metrics.frequency_weighted_accuracy:.2%}",
        f"labelled void                   {metrics.unlabelled / max(metrics.pixels, 1):.2%}",
        "",
    ]
    width = max(map(len, classes.names))
    rows = zip(classes.names, metrics.class_iou, strict=True)
    lines += [f"  {name:<{width}}  {'-' if value is None else format(value, '.2%'):>8}" for name, value in rows]
    return "\n".join(lines) + "\n"
