"""From configurations to runs that can start: data opened, pseudo-labels checked, device chosen, folder claimed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from a2lc.datasets import Dataset, open_dataset
from a2lc.foundation.digests import FileDigests
from a2lc.foundation.errors import InputError, refuse
from a2lc.foundation.locks import held
from a2lc.foundation.logs import logged_to
from a2lc.foundation.processes import Processes, on_main
from a2lc.foundation.settings import Decides
from a2lc.labels.check import check_pseudo_labels
from a2lc.labels.store import PseudoLabelSet, open_pseudo_labels
from a2lc.loop.config import RunConfig
from a2lc.loop.finished import record_tables, verify_finished
from a2lc.loop.inputs import record_inputs, verify_inputs
from a2lc.loop.made_with import config_in
from a2lc.loop.progress import batches_of
from a2lc.loop.run import Run

if TYPE_CHECKING:
    import torch

_SHARED = (Decides.FIRST_NETWORK, Decides.MASKS, Decides.SOURCE, Decides.OUTPUT, Decides.EXTENT)


def open_runs(configs: Sequence[RunConfig], processes: Processes | None = None, *, computes: bool = True) -> list[Run]:
    """Open the data once and make a run per seed and method, seed by seed.

    Args:
        configs: One configuration per method.
        processes: Those that work on the runs together; None = this one alone.
        computes: Whether a network is to be used, so that a device is needed.

    Raises:
        InputError: When data or pseudo-labels are missing or broken (every problem is listed), the device does not
            exist, there is nobody to answer, or the methods have not the same data and first network.
    """
    _refuse_disagreement(configs)
    processes = processes or Processes()
    first = configs[0]
    dataset = _open_data(processes, first)
    folder = first.pseudo_labels or dataset.pseudo_labels
    if folder is None:
        raise InputError("pseudo_labels is not set: give the folder of the pseudo-label set, pseudo_labels=<folder>")
    if dataset.ground_truth is None and any(config.needs_ground_truth for config in configs):
        raise InputError(
            "the training images have no ground truth for a simulated annotator: add annotator=answers to answer the "
            "questions yourself"
        )
    pseudo_labels = open_pseudo_labels(folder, first.undetected)
    has_labels = _check_labels(processes, pseudo_labels, dataset)
    if computes and not has_labels:
        _refuse_nothing_to_learn(first, pseudo_labels)
    device = _device(first, processes) if computes else None
    digests = FileDigests()  # of inputs that the runs share
    return [
        Run(config, seed, dataset, pseudo_labels, device, processes, digests)
        for seed in first.seeds
        for config in configs
    ]


def _refuse_disagreement(configs: Sequence[RunConfig]) -> None:
    """Refuse methods that could not share their data and first network, though all would be given those of the first.

    Raises:
        InputError: With a line for every key on which two of them disagree.
    """
    first = configs[0]
    lines = [
        f"{first.method} and {other.method}: {line}"
        for other in configs[1:]
        for line in first.difference(other, _SHARED)
    ]
    refuse("the methods of a run share their data and their first network, but these settings differ", lines)


@on_main
def _open_data(processes: Processes, config: RunConfig) -> Dataset:
    """Open the data set, which may have to be drawn or downloaded."""
    return open_dataset(config.dataset)


@on_main
def _check_labels(processes: Processes, pseudo_labels: PseudoLabelSet, dataset: Dataset) -> bool:
    """Refuse pseudo-labels that do not fit the training images; whether any pixel has a label."""
    return check_pseudo_labels(pseudo_labels, dataset.ids("train"), dataset.classes, dataset.size).has_labels


def _refuse_nothing_to_learn(config: RunConfig, pseudo_labels: PseudoLabelSet) -> None:
    """Refuse to train a first network on labels that are void everywhere.

    Raises:
        InputError: When that is asked for.
    """
    if config.start.name == "given" and config.training.iterations:
        raise InputError(
            f"the labels of {pseudo_labels.root} are void everywhere, so a first network would learn nothing: add "
            "start=clicks to begin with answers about masks drawn at random, or method=posterior training.iterations=0"
        )


def _prepare(run: Run) -> None:
    """Set up this process for the run's device, if it has one."""
    if run.chosen_device is None:
        return
    from a2lc.foundation.devices import prepare_device

    prepare_device(run.chosen_device, run.config.deterministic)


def _device(config: RunConfig, processes: Processes) -> torch.device:
    from a2lc.foundation.devices import choose_device  # loads PyTorch

    return choose_device(config.device, processes)


@contextmanager
def claimed(run: Run) -> Iterator[None]:
    """Prepare the device, hold the folder of a seed against other commands, check what is there, and log there.

    Raises:
        InputError: When another process works on the seed, the folder was made with another configuration or of other
            inputs, or what is finished there is not as it was left; nothing was changed then.
    """
    _prepare(run)
    with ExitStack() as stack:
        _enter(run, stack)
        yield


@on_main
def _enter(run: Run, stack: ExitStack) -> None:
    """Claim the folder until the stack is closed."""
    stack.enter_context(_claimed(run))


@contextmanager
def _claimed(run: Run) -> Iterator[None]:
    """Claim the folder in this process."""
    with held(run.seed_folder, work=run.config.method):
        run.compare_folder()
        verify_inputs(run)
        verify_finished(run, lambda index: batches_of(config_in(run.config, run.folder, index)))
        run.claim_folder()
        with logged_to(run.folder / "log.txt"):
            record_inputs(run)
            record_tables(run)
            yield
