"""From configurations to arms that can start: data opened, classes compared, device chosen, folder claimed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from a2lc.datasets import Dataset, open_dataset
from a2lc.foundation.devices import choose_device, prepare_device
from a2lc.foundation.errors import InputError
from a2lc.foundation.locks import held
from a2lc.foundation.logs import logged_to
from a2lc.foundation.processes import Processes, on_main
from a2lc.semi_supervised.arm import Arm
from a2lc.semi_supervised.settings import SemiSupervisedSettings


def open_arms(methods: Sequence[SemiSupervisedSettings], processes: Processes) -> list[Arm]:
    """Open the data once and make an arm per seed, split and method.

    Args:
        methods: One configuration per method, alike in their data.
        processes: Those that train together.

    Raises:
        InputError: When data are missing, source and target have not the same classes, a class that is to be evaluated
            is unknown, or the device does not exist.
    """
    first = methods[0]
    dataset, source = _open_data(processes, first)
    _refuse_other_classes(first, dataset, source)
    device = choose_device(first.device, processes)
    return [
        Arm(settings, split, seed, dataset, source, device, processes)
        for seed in first.seeds
        for split in first.splits
        for settings in methods
    ]


@on_main
def _open_data(processes: Processes, settings: SemiSupervisedSettings) -> tuple[Dataset, Dataset | None]:
    """Open the data sets, which may have to be drawn or downloaded."""
    return open_dataset(settings.dataset), None if settings.source is None else open_dataset(settings.source)


def _refuse_other_classes(settings: SemiSupervisedSettings, dataset: Dataset, source: Dataset | None) -> None:
    """Refuse classes that do not fit each other. Raises InputError."""
    names = dataset.classes.names
    if source is not None and source.classes.names != names:
        raise InputError(
            f"source has the classes {', '.join(source.classes.names)}, dataset has {', '.join(names)}: choose data "
            "sets with the same classes in the same order"
        )
    unknown = [name for name in settings.evaluated or () if name not in names]
    if unknown:
        raise InputError(f"evaluated names '{unknown[0]}', which is no class: choose from {', '.join(names)}")


@contextmanager
def claimed(arm: Arm) -> Iterator[None]:
    """Prepare the device, hold the folder of an arm against other commands, and log there.

    Raises:
        InputError: When another process works on it, or it was made with other settings.
    """
    prepare_device(arm.device, arm.settings.deterministic)
    with ExitStack() as stack:
        _enter(arm, stack)
        yield


@on_main
def _enter(arm: Arm, stack: ExitStack) -> None:
    """Claim the folder until the stack is closed."""
    stack.enter_context(_claimed(arm))


@contextmanager
def _claimed(arm: Arm) -> Iterator[None]:
    """Claim the folder in this process."""
    with held(arm.folder):
        arm.claim()
        with logged_to(arm.folder / "log.txt"):
            yield
