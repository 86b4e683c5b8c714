"""The command line: one executable, one verb per stage. Heavy imports happen inside the verbs, so --help is instant."""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

from a2lc import __version__
from a2lc.evaluation.cost import UNITS
from a2lc.foundation.environment import COMMAND_VARIABLE
from a2lc.foundation.errors import WaitingForAnswers
from a2lc.foundation.machine_errors import explain
from a2lc.foundation.threads import spin_briefly

_BAD, _WAITING, _INTERRUPTED = 2, 3, 130
_TOGETHER = ("run", "train", "score", "evaluate")  # what several processes work on; for the rest one is enough
# PyTorch's CPU kernels are compiled and kept per layer and image size; with oneDNN's default of 1024 kept, memory would
# grow with the variety of sizes for a long while. 256 hold a training step of all but the deepest networks.
_KEPT_KERNELS = ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "256")
_CONFIG_HELP = "built-in configuration (demo, pascal, cityscapes, kvasir, folder) or a YAML file"
_CLASSES_HELP = "pascal, cityscapes, kvasir, toyscapes or a classes.yaml"
_SET_HELP = "settings, for example rounds=3 training.batch_size=8; 'a2lc run --keys' lists all of them"

# verb: (what it does, details and examples)
_VERBS = {
    "run": (
        "run the whole loop: train, score, annotate, propagate, retrain, evaluate; per seed and method",
        "Continues where it was stopped, however that happened. Ends with tables and a figure in\n"
        "<output>/results/<experiment>/. Exit code 3: questions for people wait in a queue.csv.\n\n"
        "examples:\n"
        "  a2lc run demo\n"
        "  a2lc run pascal dataset.root=/data/voc pseudo_labels=/data/voc/grounded_sam/0.2 method=a2lc,alc,random\n"
        "  a2lc run folder dataset.root=my_images annotator=answers\n"
        "  a2lc run folder dataset.root=my_images annotator=answers method=posterior training.iterations=0\n"
        "  a2lc run posterior-pascal pseudo_labels=MASKS/0.2 truth=VOCdevkit/VOC2012/SegmentationClass ids=train.txt\n"
        "  torchrun --nproc-per-node 2 -m a2lc.cli run pascal dataset.root=/data/voc pseudo_labels=/data/voc/masks\n\n"
        "The last uses two GPUs; so can train, score and evaluate, all other verbs use one.",
    ),
    "train": (
        "train the network of the next round on the current labels",
        "example:\n  a2lc train folder dataset.root=my_images annotator=answers",
    ),
    "score": (
        "score every mask with the newest network; writes mask_table.parquet",
        "example:\n  a2lc score folder dataset.root=my_images annotator=answers",
    ),
    "select": (
        "write the masks most worth a click to queue.csv, with one picture each",
        "Fill the column 'answer' of every row with yes, a class name, void, or skip.\n\n"
        "example:\n  a2lc select folder dataset.root=my_images annotator=answers budget=50",
    ),
    "correct": (
        "take answers: from a filled queue (--answers) or from the configured annotator",
        "Every row is checked before any is written.\n\n"
        "example:\n  a2lc correct folder dataset.root=my_images annotator=answers --answers queue.csv",
    ),
    "propagate": (
        "learn from the answers and correct masks that nobody was asked about",
        "example:\n  a2lc propagate folder dataset.root=my_images annotator=answers",
    ),
    "predict": (
        "label images with a trained network: palette PNGs and overlays to look at",
        "The network is the newest of the run, or the one in --weights. Continues where it was stopped.\n\n"
        "examples:\n"
        "  a2lc predict folder dataset.root=my_images --images new_photos --to predicted\n"
        "  a2lc predict pascal --weights best.safetensors --classes pascal --images photo.jpg --to predicted",
    ),
    "evaluate": (
        "measure finished rounds; or any label maps against ground truth",
        "examples:\n"
        "  a2lc evaluate folder dataset.root=my_images\n"
        "  a2lc evaluate --labels voc/grounded_sam/0.2 --ground-truth voc/SegmentationClass --ids train.txt "
        "--classes pascal",
    ),
    "audit": (
        "rank the labels of a data set by how suspicious they are; writes report.html, ranked lists and queue.csv",
        "Trains a network per fold on the other folds and lets it judge the labels it has not seen. Continues where\n"
        "it was stopped. The configuration says what is trained and how long; see docs/audit.md.\n\n"
        "examples:\n"
        "  a2lc audit pascal dataset.root=/data/voc --folds 5 --to audit\n"
        "  a2lc audit folder dataset.root=my_images --labels my_images/annotations training.iterations=500 --to audit\n"
        "  a2lc audit folder dataset.root=my_images --labels my_images/annotations training.iterations=500 --to audit "
        "--answers audit/queue.csv",
    ),
    "export": (
        "write the corrected labels as palette PNGs, with masks, manifest and classes.yaml",
        "example:\n  a2lc export folder dataset.root=my_images --to corrected --round 2",
    ),
    "report": (
        "write the results tables and the figure again",
        "Effort can be counted in clicks, in bits of ALC's cost model, or in seconds of the annotator where they were\n"
        "recorded.\n\n"
        "examples:\n  a2lc report demo\n  a2lc report demo --against bits",
    ),
    "sweep": (
        "run data sets x methods x seeds from one file, here or on a SLURM cluster",
        "CONFIG is the file of the sweep, see docs/sweeps.md. Continues where it was stopped, and ends with\n"
        "the tables of every experiment.\n\n"
        "examples:\n  a2lc sweep papers.yaml --dry-run\n  a2lc sweep papers.yaml --jobs 2\n"
        "  a2lc sweep papers.yaml --slurm",
    ),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        argv: Arguments without the program's name; None = those of the process.

    Returns:
        0 when every promised output exists, 2 on bad input and when the machine gives out (a full disk, too little
        memory), 3 when people have to answer first, 130 when interrupted.
    """
    given = list(sys.argv[1:] if argv is None else argv)
    arguments = _parse(given)
    os.environ.setdefault(*_KEPT_KERNELS)
    spin_briefly()
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    logging.getLogger("a2lc").setLevel(logging.DEBUG if arguments.verbose else logging.INFO)
    logging.raiseExceptions = False  # a full disk is told once, not as a traceback for every line of the log
    return _work(arguments, os.environ.get(COMMAND_VARIABLE) or shlex.join(["a2lc", *given]))


def _work(arguments: argparse.Namespace, command: str) -> int:
    """Do what the verb says, with all processes that were started together; of an error one of them tells."""
    from a2lc.foundation.processes import EndedElsewhere, Processes, identify, joined

    processes = Processes()
    try:
        of_labels = arguments.verb == "evaluate" and (arguments.labels or arguments.ground_truth)
        if arguments.verb in _TOGETHER and not of_labels:
            processes = identify()
        elif not identify().is_main:
            return 0
        with joined(processes) as processes, _muted(not processes.is_main):
            arguments.processes = processes
            module = importlib.import_module("a2lc.commands.label_report" if of_labels else "a2lc.commands.verbs")
            getattr(module, arguments.verb)(arguments, command)
    except EndedElsewhere as ended:
        return _WAITING if ended.waiting else _BAD
    except (Exception, KeyboardInterrupt) as error:
        code, sentence = _told(error)
        if not processes.may_speak():
            return code
        if sentence is None:  # a bug: its traceback helps
            raise
        sys.stderr.write(f"a2lc: {sentence}\n")
        return code
    return 0


def _told(error: BaseException) -> tuple[int, str | None]:
    """Exit code and sentence of an error; None where nobody but the program is to blame."""
    if isinstance(error, WaitingForAnswers):
        return _WAITING, str(error)
    if isinstance(error, KeyboardInterrupt):
        return _INTERRUPTED, "stopped; the same command continues from here"
    return _BAD, explain(error)


@contextmanager
def _muted(mute: bool) -> Iterator[None]:
    """Keep a process that is not the main one from printing, logging and drawing bars."""
    if not mute:
        yield
        return
    logging.disable()
    try:
        with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
            yield
    finally:
        logging.disable(logging.NOTSET)


def _parse(given: list[str]) -> argparse.Namespace:
    """Parse; settings may also stand behind options, which argparse alone does not take."""
    parser = build_parser()
    arguments, rest = parser.parse_known_args(given)
    unknown = [argument for argument in rest if argument.startswith("-")]
    if unknown:
        parser.error(f"unknown option {unknown[0]}: see a2lc {arguments.verb} --help")
    arguments.settings += rest
    return arguments


def build_parser() -> argparse.ArgumentParser:
    """The parser of all verbs."""
    parser = argparse.ArgumentParser(
        prog="a2lc",
        description="Active label correction for semantic segmentation: noisy masks in, trustworthy labels out.",
        epilog="start here:\n  a2lc run demo        the whole loop on a small world drawn by the program\n"
        "  a2lc run --help      what a run does and how to configure it",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"a2lc {__version__}")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for verb, (summary, details) in _VERBS.items():
        command = verbs.add_parser(
            verb,
            help=summary,
            description=f"{summary[0].upper()}{summary[1:]}.",
            epilog=details,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        optional = "?" if verb in ("run", "evaluate") else None
        command.add_argument("config", metavar="CONFIG", nargs=optional, help=_CONFIG_HELP)
        command.add_argument("settings", metavar="key=value", nargs="*", help=_SET_HELP)
        command.add_argument("--verbose", action="store_true", help="log every image and iteration")
        _add_options(verb, command)
    return parser


def _add_options(verb: str, command: argparse.ArgumentParser) -> None:
    if verb == "run":
        command.add_argument("--keys", action="store_true", help="list every setting with its default and meaning")
        command.add_argument("--show", action="store_true", help="print the composed configuration and stop")
    if verb == "correct":
        command.add_argument("--answers", metavar="FILE", help="filled copy of queue.csv")
        command.add_argument("--annotator-name", default="answers", metavar="NAME", help="who answered, for the ledger")
    if verb == "export":
        command.add_argument("--to", required=True, metavar="FOLDER", help="new folder for the label set")
        command.add_argument("--round", type=int, metavar="R", help="labels of this round; default: the newest")
    if verb == "audit":
        masks, scores = ("components", "superpixels"), ("calibrated", "pooled", "lcil", "softmin", "issues")
        command.add_argument("--labels", metavar="FOLDER", help="PNGs or a pseudo-label set; default: ground truth")
        command.add_argument("--to", metavar="FOLDER", help="new folder; default: <output>/audits/<experiment>")
        command.add_argument("--folds", type=int, default=5, metavar="K", help="networks to train; default: 5")
        command.add_argument("--masks", default=masks[0], choices=masks, help=f"what is judged; default: {masks[0]}")
        command.add_argument("--min-pixels", type=int, default=100, metavar="N", help="smallest mask; default: 100")
        command.add_argument("--superpixels", type=int, default=200, metavar="N", help="per image; default: 200")
        command.add_argument("--background", action="store_true", help="judge regions of the background, too")
        command.add_argument("--score", default=scores[0], choices=scores, help=f"ranks masks; default: {scores[0]}")
        command.add_argument("--answers", metavar="FILE", help="take the answers of a filled queue.csv")
    if verb == "predict":
        command.add_argument("--images", required=True, metavar="FOLDER", help="folder of images, or one image")
        command.add_argument("--to", required=True, metavar="FOLDER", help="new folder for labels/ and overlays/")
        command.add_argument("--weights", metavar="FILE", help="checkpoint; default: the newest of the run")
        command.add_argument("--classes", metavar="LIST", help=f"{_CLASSES_HELP}; default: the data set's")
    if verb == "report":
        command.add_argument("--against", choices=UNITS, default="clicks", help="effort in tables and figure")
    if verb == "sweep":
        command.add_argument("--jobs", type=int, default=1, metavar="N", help="jobs at a time on this machine")
        command.add_argument("--slurm", action="store_true", help="submit the jobs to SLURM; needs a2lc[slurm]")
        command.add_argument("--dry-run", action="store_true", help="print the command of each job and stop")
    if verb == "evaluate":
        command.add_argument("--labels", metavar="FOLDER", help="pseudo-label set (ours or the research layout)")
        command.add_argument("--ground-truth", metavar="FOLDER", help="folder of ground-truth PNGs")
        command.add_argument("--ids", metavar="FILE", help="list of image ids; default: all in the set")
        command.add_argument("--classes", metavar="LIST", help=_CLASSES_HELP)


if __name__ == "__main__":
    raise SystemExit(main())
