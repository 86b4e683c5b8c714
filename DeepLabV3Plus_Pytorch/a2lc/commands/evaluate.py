"""`a2lc evaluate`: the trained rounds of a run, or any label maps against ground truth, with no image and no run."""

from __future__ import annotations

from a2lc.classes import ClassSet, load_classes
from a2lc.commands.options import EvaluateOptions
from a2lc.commands.request import Request
from a2lc.datasets import read_id_list
from a2lc.evaluation.comparison import compare_labels
from a2lc.evaluation.metrics import SegmentationMetrics
from a2lc.formats import Reading, open_labels
from a2lc.foundation.errors import InputError, refuse
from a2lc.foundation.files import read_json
from a2lc.foundation.processes import on_main
from a2lc.foundation.terminal import show
from a2lc.labels.check import SetSummary, check_pseudo_labels
from a2lc.loop import evaluation
from a2lc.loop.opening import claimed, open_runs
from a2lc.loop.progress import trained_rounds
from a2lc.loop.run import Run


def evaluate(request: Request[EvaluateOptions]) -> None:
    """Measure what is given."""
    if request.options.of_labels:
        _evaluate_labels(request.options)
    else:
        _evaluate_runs(request)


def _evaluate_runs(request: Request[EvaluateOptions]) -> None:
    """Measure the trained rounds of a run."""
    for current in open_runs(request.configs(), request.processes, computes=False):
        with claimed(current):
            for round_index in range(_trained(current)):
                evaluation.evaluate(current, round_index)
                _show_round(current, round_index)


@on_main
def _trained(current: Run) -> int:
    """How many rounds have a trained network."""
    return trained_rounds(current)


@on_main
def _show_round(current: Run, round_index: int) -> None:
    metrics = read_json(current.round_folder(round_index) / "metrics.json")
    show(f"{current.name}, round {round_index}: {evaluation.summary_line(metrics)}\n")


def _evaluate_labels(options: EvaluateOptions) -> None:
    """Print how well a label set agrees with ground truth; needs no image and no run."""
    if options.labels is None:
        raise _missing("labels")
    if options.ground_truth is None:
        raise _missing("ground-truth")
    beside = options.labels / "classes.yaml"  # predict leaves one there
    if options.classes is None and not beside.is_file():
        raise _missing("classes")
    classes = load_classes(options.classes or beside)
    reading = Reading(classes)
    labels = open_labels(options.labels, reading)
    ids = read_id_list(options.ids) if options.ids else tuple(labels.image_ids())
    if options.ids:
        unknown = sorted(set(ids).difference(labels.image_ids()))
        refuse(f"{options.ids} names images of which {options.labels} has no labels: take them out", unknown)
    summary = check_pseudo_labels(labels, ids, classes)
    truth = open_labels(options.ground_truth, reading)
    metrics = compare_labels(labels, truth, ids, len(classes)).to_metrics()
    show(_comparison(summary, metrics, classes))


def _missing(option: str) -> InputError:
    return InputError(f"--{option} is missing: see a2lc evaluate --help")


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
