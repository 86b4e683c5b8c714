"""The verbs of the command line, in the order of its help."""

from __future__ import annotations

from a2lc.commands.options import (
    AuditOptions,
    CorrectOptions,
    EvaluateOptions,
    ExportOptions,
    PredictOptions,
    ReportOptions,
    RunOptions,
    StatusOptions,
    SweepOptions,
)
from a2lc.commands.request import Positional, Verb, always

_RUN = Verb(
    "run",
    summary="run the whole loop: train, score, annotate, propagate, retrain, evaluate; per seed and method",
    details=(
        "Continues where it was stopped, however that happened. Ends with tables and a figure in\n"
        "<output>/results/<experiment>/. Exit code 3: questions for people wait in a queue.csv.\n\n"
        "examples:\n"
        "  a2lc run demo\n"
        "  a2lc run pascal dataset.root=/data/voc pseudo_labels=/data/voc/grounded_sam/0.2 method=a2lc,alc,random\n"
        "  a2lc run folder dataset.root=my_images annotator=answers\n"
        "  a2lc run folder dataset.root=my_images annotator=answers method=posterior training.iterations=0\n"
        "  a2lc run ssl-pascal split=1/8 dataset.root=/data/voc\n"
        "  a2lc run uda-gta-cityscapes source.root=/data/gta dataset.root=/data/cityscapes\n"
        "  a2lc run posterior-pascal pseudo_labels=MASKS/0.2 truth=VOCdevkit/VOC2012/SegmentationClass ids=train.txt\n"
        "  torchrun --nproc-per-node 2 -m a2lc.cli run pascal dataset.root=/data/voc pseudo_labels=/data/voc/masks\n\n"
        "The last uses two GPUs; so can train, score and evaluate, all other verbs use one."
    ),
    handler="run:run",
    options=RunOptions,
    needs_config=False,
    together=always,
)
_TRAIN = Verb(
    "train",
    summary="train the network of the next round on the current labels",
    details="example:\n  a2lc train folder dataset.root=my_images annotator=answers",
    handler="rounds:train",
    together=always,
)
_SCORE = Verb(
    "score",
    summary="score every mask with the newest network; writes mask_table.parquet",
    details="example:\n  a2lc score folder dataset.root=my_images annotator=answers",
    handler="rounds:score",
    together=always,
)
_SELECT = Verb(
    "select",
    summary="write the masks most worth a click to queue.csv, with one picture each",
    details=(
        "Fill the column 'answer' of every row with yes, a class name, void, or skip.\n\n"
        "example:\n  a2lc select folder dataset.root=my_images annotator=answers budget=50"
    ),
    handler="rounds:select",
)
_CORRECT = Verb(
    "correct",
    summary="take answers: from a filled queue (--answers) or from the configured annotator",
    details=(
        "Every row is checked before any is written.\n\n"
        "example:\n  a2lc correct folder dataset.root=my_images annotator=answers --answers queue.csv"
    ),
    handler="rounds:correct",
    options=CorrectOptions,
)
_PROPAGATE = Verb(
    "propagate",
    summary="learn from the answers and correct masks that nobody was asked about",
    details="example:\n  a2lc propagate folder dataset.root=my_images annotator=answers",
    handler="rounds:propagate",
)
_PREDICT = Verb(
    "predict",
    summary="label images with a trained network: palette PNGs and overlays to look at",
    details=(
        "The network is the newest of the run, or the one in --weights. Continues where it was stopped.\n\n"
        "examples:\n"
        "  a2lc predict folder dataset.root=my_images --images new_photos --to predicted\n"
        "  a2lc predict pascal --weights best.safetensors --classes pascal --images photo.jpg --to predicted"
    ),
    handler="predict:predict",
    options=PredictOptions,
)
_EVALUATE = Verb(
    "evaluate",
    summary="measure finished rounds; or any label maps against ground truth",
    details=(
        "examples:\n"
        "  a2lc evaluate folder dataset.root=my_images\n"
        "  a2lc evaluate --labels voc/grounded_sam/0.2 --ground-truth voc/SegmentationClass --ids train.txt "
        "--classes pascal"
    ),
    handler="evaluate:evaluate",
    options=EvaluateOptions,
    needs_config=False,
    together=lambda options: not options.of_labels,
)
_AUDIT = Verb(
    "audit",
    summary="rank the labels of a data set by how suspicious they are; writes report.html, ranked lists and queue.csv",
    details=(
        "Trains a network per fold on the other folds and lets it judge the labels it has not seen. Continues where\n"
        "it was stopped. The configuration says what is trained and how long; with --predictions nothing is trained.\n"
        "See docs/audit.md.\n\n"
        "examples:\n"
        "  a2lc audit pascal dataset.root=/data/voc --folds 5 --to audit\n"
        "  a2lc audit folder dataset.root=my_images --labels my_images/annotations training.iterations=500 --to audit\n"
        "  a2lc audit folder dataset.root=my_images --labels my_images/annotations training.iterations=500 --to audit "
        "--answers audit/queue.csv\n"
        "  a2lc audit folder dataset.root=my_images --predictions my_model/probabilities --to audit"
    ),
    handler="audit:audit",
    options=AuditOptions,
)
_EXPORT = Verb(
    "export",
    summary="write the corrected labels as palette PNGs, with masks, manifest and classes.yaml",
    details="example:\n  a2lc export folder dataset.root=my_images --to corrected --round 2",
    handler="export:export",
    options=ExportOptions,
)
_REPORT = Verb(
    "report",
    summary="write the results tables and the figure again",
    details=(
        "Effort can be counted in clicks, in bits of ALC's cost model, or in seconds of the annotator where they were\n"
        "recorded.\n\n"
        "examples:\n  a2lc report demo\n  a2lc report demo --against bits"
    ),
    handler="report:report",
    options=ReportOptions,
)
_STATUS = Verb(
    "status",
    summary="tell how far runs have come: what is done, who works on what, what waits for answers, how long it takes",
    details=(
        "Reads only, beside a run, too. Without RUN: everything below outputs/.\n\n"
        "examples:\n  a2lc status demo\n  a2lc status outputs/runs/demo/seed1 --lines 10\n"
        "  a2lc status folder dataset.root=my_images method=posterior"
    ),
    handler="status:status",
    options=StatusOptions,
    needs_config=False,
    positional=Positional("RUN", "a run's folder, a seed's, an experiment's, or a configuration as of a2lc run"),
)
_COMPARE = Verb(
    "compare",
    summary="compare two results folders: mIoU by method and round, and whether a difference is shown",
    details=(
        "Differences are B minus A. Where the bands of the seeds overlap, no difference is shown.\n\n"
        "example:\n  a2lc compare outputs/results/demo other/results/demo"
    ),
    handler="compare:compare",
    positional=Positional("A", "results folder, with its seed<k>.csv", "B", "the other results folder"),
)
_SWEEP = Verb(
    "sweep",
    summary="run data sets x methods x seeds from one file, here or on a SLURM cluster",
    details=(
        "CONFIG is the file of the sweep, see docs/sweeps.md. Continues where it was stopped, and ends with\n"
        "the tables of every experiment.\n\n"
        "examples:\n  a2lc sweep papers.yaml --dry-run\n  a2lc sweep papers.yaml --jobs 2\n"
        "  a2lc sweep papers.yaml --slurm"
    ),
    handler="sweep:sweep",
    options=SweepOptions,
)

VERBS = {
    verb.name: verb
    for verb in (
        _RUN,
        _TRAIN,
        _SCORE,
        _SELECT,
        _CORRECT,
        _PROPAGATE,
        _PREDICT,
        _EVALUATE,
        _AUDIT,
        _EXPORT,
        _REPORT,
        _STATUS,
        _COMPARE,
        _SWEEP,
    )
}
"""Every verb by its name."""
