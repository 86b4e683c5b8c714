"""The command line of wing 1: one executable, five verbs. Heavy imports happen inside them, so --help is instant."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from a2lc import __version__
from a2lc.foundation.machine_errors import explain
from a2lc.foundation.signals import ending, unwound
from a2lc.foundation.terminal import set_up_log, show, tell
from a2lc.foundation.threads import spin_briefly

_CONFIG_HELP = "built-in configuration (pascal, cityscapes, kvasir, folder) or a YAML file"
_SET_HELP = "settings, for example filters.score_threshold=0.3; 'grounded-sam generate --keys' lists all of them"
_CLASSES_HELP = "pascal, cityscapes, kvasir, toyscapes or a classes.yaml; default: the one in the set"

# verb: (what it does, details and examples)
_VERBS = {
    "generate": (
        "label the training images of a data set: a text-prompted detector finds boxes, SAM turns them into masks",
        "Writes a pseudo-label set that 'a2lc run' reads: labels/, masks/, records/ (boxes and scores), classes.yaml,\n"
        "contact_sheet.png to look at, and manifest.json when all images are done. Continues where it was stopped.\n\n"
        "examples:\n"
        "  grounded-sam generate folder dataset.root=my_images           my_images/images and my_images/classes.yaml\n"
        "  grounded-sam generate folder dataset.root=my_images output=trial limit=20 filters.score_threshold=0.3\n"
        "  grounded-sam generate pascal dataset.root=/data/voc detector.model=groundingdino_swint_ogc.pth \\\n"
        "      segmenter.model=sam_vit_h_4b8939.pth\n"
        "several GPUs, each a part of the images:\n"
        "  torchrun --standalone --nproc_per_node 4 -m grounded_sam.cli generate folder dataset.root=my_images",
    ),
    "superpixels": (
        "cut the images of a folder into superpixels, with no foundation model, to be labelled with a2lc",
        "Writes a pseudo-label set whose masks are superpixels. Their labels are void, or with --labels the most\n"
        "frequent label of another set below each. Continues where it was stopped.\n\n"
        "examples:\n"
        "  grounded-sam superpixels my_images/images superpixels --classes my_images/classes.yaml\n"
        "  grounded-sam superpixels voc/JPEGImages seeds --classes pascal --method seeds --labels voc/pseudo_labels\n"
        "several processes, each a part of the images:\n"
        "  torchrun --standalone --nproc_per_node 8 -m grounded_sam.cli superpixels photos out --classes classes.yaml",
    ),
    "inspect": (
        "tell what a pseudo-label set holds, and which of its images are suspicious; draw a contact sheet",
        "The set may be ours or of the research layout.\n\n"
        "examples:\n"
        "  grounded-sam inspect my_images/pseudo_labels --images my_images/images\n"
        "  grounded-sam inspect voc/grounded_sam/0.2 --classes pascal --sheet sheet.png --images voc/JPEGImages",
    ),
    "import": (
        "write masks of the research code (mask_jpg, obj_jpg) as a pseudo-label set of ours",
        "example:\n  grounded-sam import voc/grounded_sam/0.2 --classes pascal --to pseudo_labels",
    ),
    "export": (
        "write a pseudo-label set of ours in the layout of the research code (mask_jpg, obj_jpg, mask_json)",
        "example:\n  grounded-sam export my_images/pseudo_labels --to exported",
    ),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        argv: Arguments without the program's name; None = those of the process.

    Returns:
        0 when every promised output exists (with several processes: when this one's part does), 2 on bad input and
        when the machine gives out (a full disk, too little memory), 130 when interrupted, 143 and 129 when ended by
        SIGTERM and SIGHUP.
    """
    arguments = _parse(list(sys.argv[1:] if argv is None else argv))
    spin_briefly()
    set_up_log(["a2lc", "grounded_sam"], arguments.verbose)
    try:
        with unwound():
            _WORK[arguments.verb](arguments)
    except KeyboardInterrupt as stop:
        code, sentence = ending(stop)
        tell("grounded-sam", sentence)
        return code
    except Exception as error:
        told = _memory_advice(error, arguments.verb) or explain(error)
        if told is None:  # a bug: its traceback helps
            raise
        tell("grounded-sam", told)
        return 2
    return 0


def _memory_advice(error: Exception, verb: str) -> str | None:
    if not isinstance(error, MemoryError) and "out of memory" not in str(error):
        return None
    if verb != "generate":
        return "memory ran out: once memory is free the same command continues"
    return (
        "memory ran out: once memory is free the same command continues, also with segmenter.boxes_at_once=1, which "
        "needs less; to need still less set batch_size=1, a smaller detector.longest_edge, "
        "detector.precision=bfloat16 and segmenter.precision=bfloat16, or a smaller segmenter.model, with a new output"
    )


def _parse(given: list[str]) -> argparse.Namespace:
    """Parse; settings may also stand behind options, which argparse alone does not take."""
    parser = build_parser()
    arguments, rest = parser.parse_known_args(given)
    unknown = [argument for argument in rest if argument.startswith("-") or arguments.verb != "generate"]
    if unknown:
        parser.error(f"unknown argument {unknown[0]}: see grounded-sam {arguments.verb} --help")
    if rest:
        arguments.settings += rest
    return arguments


def build_parser() -> argparse.ArgumentParser:
    """The parser of all verbs."""
    parser = argparse.ArgumentParser(
        prog="grounded-sam",
        description="From images and class names to a pseudo-label set: labels and masks to be corrected with a2lc.",
        epilog="start here:\n  grounded-sam generate --help",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"grounded-sam {__version__}")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for verb, (summary, details) in _VERBS.items():
        command = verbs.add_parser(
            verb,
            help=summary,
            description=f"{summary[0].upper()}{summary[1:]}.",
            epilog=details,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        _add_arguments(verb, command)
        command.add_argument("--verbose", action="store_true", help="log every image")
    return parser


def _add_arguments(verb: str, command: argparse.ArgumentParser) -> None:
    if verb == "generate":
        command.add_argument("config", metavar="CONFIG", nargs="?", help=_CONFIG_HELP)
        command.add_argument("settings", metavar="key=value", nargs="*", help=_SET_HELP)
        command.add_argument("--keys", action="store_true", help="list every setting with its default and meaning")
        command.add_argument("--show", action="store_true", help="print the composed settings and stop")
        return
    if verb == "superpixels":
        _add_superpixel_arguments(command)
        return
    command.add_argument("set", metavar="SET", type=Path, help="folder of the pseudo-label set")
    command.add_argument("--classes", metavar="LIST", required=verb == "import", help=_CLASSES_HELP)
    if verb == "inspect":
        command.add_argument("--images", metavar="FOLDER", type=Path, help="photos to draw the labels over")
        command.add_argument("--sheet", metavar="FILE", type=Path, help="default: contact_sheet.png in the set")
    else:
        command.add_argument("--to", metavar="FOLDER", type=Path, required=True, help="new folder")
    if verb == "export":
        command.add_argument("--16-bit", dest="sixteen_bit", action="store_true", help="allow mask ids above 255")


def _add_superpixel_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("images", metavar="IMAGES", type=Path, help="folder of photos, sub-folders are searched")
    command.add_argument("out", metavar="OUT", type=Path, help="new folder for the set, outside IMAGES")
    command.add_argument("--classes", metavar="LIST", required=True, help="a classes.yaml or the name of a built-in")
    command.add_argument("--method", metavar="NAME", default="slic", help="slic (default), felzenszwalb or seeds")
    segments = "about how many for each image, often fewer; default: one for each 32x32 pixels"
    command.add_argument("--segments", metavar="N", type=int, help=segments)
    labels = "pseudo-label set whose labels the superpixels get, images that it lacks are left out; default: all void"
    command.add_argument("--labels", metavar="SET", type=Path, help=labels)


def _generate(arguments: argparse.Namespace) -> None:
    from a2lc.foundation.errors import InputError
    from a2lc.foundation.layers import describe_keys
    from grounded_sam.settings import GenerateSettings, dump_settings, load_settings

    if arguments.keys:
        show(describe_keys(GenerateSettings))
        return
    if arguments.config is None:
        raise InputError("name a configuration, for example: grounded-sam generate folder dataset.root=my_images")
    settings = load_settings(arguments.config, arguments.settings)
    if arguments.show:
        show(dump_settings(settings))
        return
    from a2lc.classes import load_classes
    from grounded_sam.generate import generate
    from grounded_sam.sharding import share_of_process
    from grounded_sam.summary import summarise_set

    finished = generate(settings, share_of_process(os.environ))
    if finished is not None:
        report = summarise_set(finished, load_classes(finished.root / "classes.yaml"))
        show(f"{report.to_text()}\n{finished.root / 'contact_sheet.png'}\n{finished.root}\n")


def _superpixels(arguments: argparse.Namespace) -> None:
    from a2lc.classes import load_classes
    from a2lc.labels.store import open_pseudo_labels
    from grounded_sam.sharding import share_of_process
    from grounded_sam.superpixel_sets import make_superpixel_set
    from grounded_sam.superpixels import open_superpixels

    classes = load_classes(arguments.classes)
    superpixels = open_superpixels(arguments.method, arguments.segments)
    source = None if arguments.labels is None else open_pseudo_labels(arguments.labels)
    share = share_of_process(os.environ)
    finished = make_superpixel_set(arguments.images, arguments.out, classes, superpixels, source, share)
    if finished is not None:
        counts = [entry["masks"] for entry in finished.manifest["images"].values()]
        show(f"{len(counts):,} images, {sum(counts):,} superpixels\n")
        show(f"{finished.root / 'contact_sheet.png'}\n{finished.root}\n")


def _inspect(arguments: argparse.Namespace) -> None:
    from grounded_sam.inspection import inspect_set

    show(inspect_set(arguments.set, arguments.classes, arguments.images, arguments.sheet))


def _import(arguments: argparse.Namespace) -> None:
    from a2lc.classes import load_classes
    from grounded_sam.research_layout import import_set

    classes = load_classes(arguments.classes)
    show(f"{import_set(arguments.set, arguments.to, classes).root}\n")


def _export(arguments: argparse.Namespace) -> None:
    from a2lc.labels.store import open_pseudo_labels
    from grounded_sam.inspection import classes_of
    from grounded_sam.research_layout import export_set

    classes = classes_of(arguments.set, arguments.classes)
    exported = export_set(open_pseudo_labels(arguments.set), arguments.to, classes, arguments.sixteen_bit)
    show(f"{exported.root}\n")


_WORK = {
    "generate": _generate,
    "superpixels": _superpixels,
    "inspect": _inspect,
    "import": _import,
    "export": _export,
}


if __name__ == "__main__":
    raise SystemExit(main())
