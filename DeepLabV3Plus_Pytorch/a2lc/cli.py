"""The command line: one executable, one verb per stage. Heavy imports happen inside the verbs, so --help is instant."""

from __future__ import annotations

import argparse
import logging
import os
import shlex
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, redirect_stderr, redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import Literal, NoReturn, get_args, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from a2lc import __version__
from a2lc.commands.options import Options, Shown
from a2lc.commands.request import Request, Verb
from a2lc.commands.table import VERBS
from a2lc.foundation.environment import ATTACHED_VARIABLE, COMMAND_VARIABLE
from a2lc.foundation.errors import InputError, WaitingForAnswers
from a2lc.foundation.layers import explain as explain_settings
from a2lc.foundation.machine_errors import explain
from a2lc.foundation.processes import EndedElsewhere, Processes, identify, joined, leave
from a2lc.foundation.signals import ending, unwound
from a2lc.foundation.terminal import set_up_log, tell
from a2lc.foundation.threads import spin_briefly

_BAD, _WAITING = 2, 3
# PyTorch's CPU kernels are compiled and kept per layer and image size; with oneDNN's default of 1024 kept, memory would
# grow with the variety of sizes for a long while. 256 hold a training step of all but the deepest networks.
_KEPT_KERNELS = ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "256")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        argv: Arguments without the program's name; None = those of the process.

    Returns:
        0 when every promised output exists, 2 on bad input and when the machine gives out (a full disk, too little
        memory), 3 when people have to answer first, 130 when interrupted, 143 and 129 when ended by SIGTERM and SIGHUP.
    """
    given = list(sys.argv[1:] if argv is None else argv)
    if os.environ.pop(ATTACHED_VARIABLE, None):
        threading.Thread(target=_end_with_parent, daemon=True).start()
    arguments = _parse(given)
    os.environ.setdefault(*_KEPT_KERNELS)
    spin_briefly()
    set_up_log(["a2lc"], arguments.verbose)
    return _work(arguments, os.environ.get(COMMAND_VARIABLE) or shlex.join(["a2lc", *given]))


def command() -> NoReturn:
    """Run the command of this process and end the process with its exit code."""
    code = main()
    if os.environ.get("WORLD_SIZE", "1") == "1":
        sys.exit(code)
    leave(code)


def _end_with_parent() -> None:
    os.read(0, 1)  # standard input: returns when its other end is closed
    os._exit(1)  # at once: a run can be killed at any moment


def _work(arguments: argparse.Namespace, command: str) -> int:
    """Do what the verb says, with all processes that were started together; of an error one of them tells."""
    verb = VERBS[arguments.verb]
    processes = Processes()
    try:
        request = _request(verb, arguments, command)
        if verb.together(request.options):
            processes = identify()
        elif not identify().is_main:
            return 0
        alone = processes.count == 1  # torchrun ends several at once, also those that wait for others
        with unwound() if alone else nullcontext(), joined(processes) as processes, _muted(not processes.is_main):
            verb.load()(replace(request, processes=processes))
    except EndedElsewhere as ended:
        return _WAITING if ended.waiting else _BAD
    except (Exception, KeyboardInterrupt) as error:
        code, sentence = _told(error)
        if not processes.may_speak():
            return code
        if sentence is None:  # a bug: its traceback helps
            raise
        tell("a2lc", sentence)
        return code
    return 0


def _request(verb: Verb, arguments: argparse.Namespace, command: str) -> Request[Options]:
    """The command with its options checked.

    Raises:
        InputError: When an option is not valid; every problem is listed.
    """
    given = {name: getattr(arguments, name) for name in verb.options.model_fields}
    try:
        options = verb.options.model_validate(given)
    except ValidationError as error:
        raise InputError(explain_settings(error, verb.options, f"of the {verb.name}")) from None
    return Request(verb.name, arguments.config, tuple(arguments.settings), options, command)


def _told(error: BaseException) -> tuple[int, str | None]:
    """Exit code and sentence of an error; None where nobody but the program is to blame."""
    if isinstance(error, WaitingForAnswers):
        return _WAITING, str(error)
    if isinstance(error, KeyboardInterrupt):
        return ending(error)
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
    for verb in VERBS.values():
        command = verbs.add_parser(
            verb.name,
            help=verb.summary,
            description=f"{verb.summary[0].upper()}{verb.summary[1:]}.",
            epilog=verb.details,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        optional = None if verb.needs_config else "?"
        given = verb.positional
        command.add_argument("config", metavar=given.first, nargs=optional, help=given.about_first)
        command.add_argument("settings", metavar=given.others, nargs="*", help=given.about_others)
        command.add_argument("--verbose", action="store_true", help="log every image and iteration")
        for name, info in verb.options.model_fields.items():
            _add_option(command, name, info)
    return parser


def _add_option(command: argparse.ArgumentParser, name: str, info: FieldInfo) -> None:
    """Add an option as its field describes it."""
    kinds = [kind for kind in (get_args(info.annotation) or (info.annotation,)) if kind is not type(None)]
    marks = [*info.metadata, *(mark for kind in kinds for mark in getattr(kind, "__metadata__", ()))]
    flag = f"--{name.replace('_', '-')}"
    default = None if info.is_required() else info.default
    if info.annotation is bool:
        command.add_argument(flag, action="store_true", help=_help(info))
    elif get_origin(info.annotation) is Literal:
        choices = get_args(info.annotation)
        command.add_argument(flag, choices=choices, default=default, help=_help(info))
    else:
        command.add_argument(
            flag,
            type=int if int in kinds else str,
            metavar=next((mark.metavar for mark in marks if isinstance(mark, Shown)), "N"),
            default=default,
            required=info.is_required(),
            help=_help(info),
        )


def _help(info: FieldInfo) -> str:
    """The meaning of an option and its default, in a line."""
    meaning = " ".join((info.description or "").split()).removesuffix(".").replace("%", "%%")
    has_default = not info.is_required() and info.default not in (None, False)
    return f"{meaning}; default: {info.default}" if has_default else meaning


if __name__ == "__main__":
    command()
