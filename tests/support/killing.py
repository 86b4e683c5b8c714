"""Runs of `a2lc` that die as a machine would kill them, at a stage of the loop.

Run as a program, this is a process of `a2lc` that takes its launcher and all other processes along:
`torchrun --nproc-per-node 2 -m tests.support.killing STAGE CALLS run demo`.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import pkgutil
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# what each stage calls again and again
STAGES = {
    "train": "a2lc.segmentation.descent:Descent.advance",  # for an iteration
    "evaluate": "a2lc.evaluation.comparison:compare_labels",  # for a round
    "score": "a2lc.acquisition:score_candidates",  # for an image
    "annotate": "a2lc.annotators:GroundTruthAnnotator.answer",  # for a batch of questions
    "propagate": "a2lc.propagation:LabelCorrectionModule.fit",  # for what a batch of answers teaches
}
LOOP = "a2lc.loop.rounds"  # imports all stages


@dataclass(frozen=True)
class Kill:
    """When a run dies.

    Attributes:
        stage: One of `STAGES`.
        calls: What the stage calls is called so often without harm; the next call brings the kill.
        delay: Seconds until then, in which the run goes on.
    """

    stage: str
    calls: int = 0
    delay: float = 0.0


def run(arguments: list[str], kill: Kill | None = None) -> int:
    """Exit code of `a2lc` in a process of its own; -SIGKILL if it was killed before its end."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([LOOP])
    process = context.Process(target=_work, args=(arguments, kill), daemon=True)
    process.start()
    process.join()
    assert process.exitcode is not None
    return process.exitcode


def _work(arguments: list[str], kill: Kill | None) -> None:
    import torch

    from a2lc.cli import main

    torch.set_num_threads(1)
    if kill is not None:
        arm(kill, die_alone)
    sys.exit(main(arguments))


def arm(kill: Kill, die: Callable[[], None]) -> None:
    """Put a fuse around what the stage calls, wherever that was imported."""
    importlib.import_module(LOOP)
    module, _, path = STAGES[kill.stage].partition(":")
    owner, _, name = path.rpartition(".")
    original = pkgutil.resolve_name(STAGES[kill.stage])
    harmless = iter(range(kill.calls))
    timer = threading.Timer(kill.delay, die)
    timer.daemon = True

    def fused(*given: Any, **named: Any) -> Any:
        if next(harmless, None) is None and timer.ident is None:
            timer.start()
        return original(*given, **named)

    for place in [pkgutil.resolve_name(f"{module}:{owner}")] if owner else list(sys.modules.values()):
        if vars(place).get(name) is original:
            setattr(place, name, fused)


def die_alone() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_together() -> None:
    """Kill the launcher and all that it launched, this process last."""
    launcher = os.getppid()
    launched = map(int, Path(f"/proc/{launcher}/task/{launcher}/children").read_text().split())
    for process in (launcher, *(other for other in launched if other != os.getpid()), os.getpid()):
        os.kill(process, signal.SIGKILL)


if __name__ == "__main__":
    from a2lc.cli import main

    stage, calls, *arguments = sys.argv[1:]
    if os.environ["RANK"] == "0":
        arm(Kill(stage, int(calls)), die_together)
    raise SystemExit(main(arguments))
