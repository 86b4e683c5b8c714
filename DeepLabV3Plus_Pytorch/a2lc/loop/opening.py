"""From configurations to runs that can start: data opened, pseudo-labels checked, device chosen, folder claimed."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from a2lc.datasets import open_dataset
from a2lc.foundation.devices import choose_device
from a2lc.foundation.errors import InputError
from a2lc.foundation.locks import held
from a2lc.foundation.processes import Processes
from a2lc.labels.check import check_pseudo_labels
from a2lc.labels.store import open_pseudo_labels
from a2lc.loop.config import RunConfig
from a2lc.loop.run import Run


def open_runs(configs: Sequence[RunConfig], processes: Processes | None = None) -> list[Run]:
    """Open the data once and make a run per seed and method, seed by seed.

    Args:
        configs: One configuration per method.
        processes: Those that work on the runs together; None = this one alone.

    Raises:
        InputError: When data or pseudo-labels are missing or broken (every problem is listed), the device does not
            exist, or there is nobody to answer.
    """
    processes, first = processes or Processes(), configs[0]
    dataset = processes.on_main(lambda: open_dataset(first.dataset))  # which may have to be drawn or downloaded
    folder = first.pseudo_labels or dataset.pseudo_labels
    if folder is None:
        raise InputError("pseudo_labels is not set: give the folder of the pseudo-label set, pseudo_labels=<folder>")
    if dataset.ground_truth is None and any(config.annotator.name == "ground_truth" for config in configs):
        raise InputError(
            "the training images have no ground truth for a simulated annotator: add annotator=answers to answer the "
            "questions yourself"
        )
    pseudo_labels = open_pseudo_labels(folder, first.undetected)
    processes.on_main(lambda: check_pseudo_labels(pseudo_labels, dataset.ids("train"), dataset.classes, dataset.size))
    device = choose_device(first.device, first.deterministic, processes)
    return [Run(config, seed, dataset, pseudo_labels, device, processes) for seed in first.seeds for config in configs]


@contextmanager
def claimed(run: Run) -> Iterator[None]:
    """Hold the folder of a seed against other commands, check its configuration, and log to its log.txt.

    Raises:
        InputError: When another process works on the seed, or the folder was made with another configuration.
    """
    with ExitStack() as stack:
        run.processes.on_main(lambda: stack.enter_context(_claimed(run)))
        yield


@contextmanager
def _claimed(run: Run) -> Iterator[None]:
    with held(run.seed_folder):
        run.claim_folder()
        with _logged(run.folder / "log.txt"):
            yield


@contextmanager
def _logged(path: Path) -> Iterator[None]:
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    handler.setLevel(logging.INFO)
    logger = logging.getLogger("a2lc")
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        handler.close()
