"""From configurations to runs that can start: data opened, pseudo-labels checked, device chosen, folder claimed."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import torch
from filelock import FileLock

from a2lc.config import RunConfig
from a2lc.cost import Unit
from a2lc.datasets import open_dataset
from a2lc.evaluation import table_rows
from a2lc.foundation.errors import InputError
from a2lc.foundation.files import write_text
from a2lc.foundation.locks import held
from a2lc.foundation.processes import Processes
from a2lc.labels.check import check_pseudo_labels
from a2lc.labels.store import open_pseudo_labels
from a2lc.published import published_for
from a2lc.reporting import plot_miou, summarise, write_seed_csv
from a2lc.run import Run


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


def choose_device(name: str, deterministic: bool, processes: Processes | None = None) -> torch.device:
    """The device of a run; of several processes each has a GPU of its own.

    Raises:
        InputError: When it does not exist, or there are more processes than GPUs.
    """
    try:
        device = torch.device(("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else name)
        if processes is not None and processes.count > 1 and device.type == "cuda":
            device = _own_gpu(name, processes)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise InputError(f"device is '{name}' but it cannot be used here ({error}): set device=auto or cpu") from None
    torch.use_deterministic_algorithms(deterministic and device.type == "cuda", warn_only=True)
    return device


def _own_gpu(name: str, processes: Processes) -> torch.device:
    gpus = torch.cuda.device_count()
    if torch.device("cuda" if name == "auto" else name).index is not None or processes.local_rank >= gpus:
        raise InputError(
            f"device is '{name}' for several processes, and this machine has {gpus} GPUs: set device=auto, and start "
            "at most one process per GPU"
        )
    device = torch.device("cuda", processes.local_rank)
    torch.cuda.set_device(device)
    return device


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


def report(runs: Sequence[Run], command: str, against: Unit = "clicks") -> Path:
    """Write seed<k>.csv, summary.md and a figure to results/<experiment>/ from the metrics of all finished rounds.

    The figure is miou.png against clicks, miou_bits.png or miou_seconds.png against bits or seconds.

    Args:
        runs: All runs of one experiment.
        command: The command that a reader can run to get the same tables.
        against: What effort the summary's headings and the figure count.

    Returns:
        The folder.

    Raises:
        InputError: When no round is finished, or nothing was counted in this unit.
    """
    config = runs[0].config
    folder = config.output / "results" / config.experiment
    tables = {seed: table_rows([run for run in runs if run.seed == seed]) for seed in config.seeds}
    if not any(tables.values()):
        raise InputError(f"no round of {config.experiment} is finished below {config.output}: run it first")
    configs = {run.config.method: run.config for run in runs}
    published = {method: published_for(of_method) for method, of_method in configs.items()}
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock"):  # another seed may end at the same time
        for seed, rows in tables.items():
            if rows:
                write_seed_csv(folder / f"seed{seed}.csv", rows)
        write_text(folder / "summary.md", summarise(folder, config.experiment, command, published, against))
        plot_miou(folder, folder / ("miou.png" if against == "clicks" else f"miou_{against}.png"), against)
    return folder
