"""The processes that work on one run together: one alone, or several that torchrun started."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
from torch import Tensor, distributed

from a2lc.errors import InputError

Item = TypeVar("Item")
_PATIENCE = timedelta(days=2)  # others wait while one asks, propagates or evaluates; torchrun ends them if it dies


@dataclass(frozen=True)
class Processes:
    """Who this process is, and what it tells the others; with one process nothing is sent.

    Every method but `share` must be called by all processes, in the same order.

    Attributes:
        rank: Number of this process, from 0; process 0 is the main one, which writes.
        count: Number of processes.
        local_rank: Number of this process on its machine, which chooses the GPU.
    """

    rank: int = 0
    count: int = 1
    local_rank: int = 0

    @property
    def is_main(self) -> bool:
        """Whether this process writes files, asks and reports."""
        return self.rank == 0

    def share(self, items: Sequence[Item]) -> Sequence[Item]:
        """The items of this process: rank, rank + count, ..."""
        return items[self.rank :: self.count]

    def wait(self) -> None:
        """Go on when all processes have come here."""
        if self.count > 1:
            distributed.barrier()

    def gather(self, value: Any) -> list[Any]:
        """The values of all processes, in order of rank; any picklable object."""
        if self.count == 1:
            return [value]
        values: list[Any] = [None] * self.count
        distributed.all_gather_object(values, value)
        return values

    def from_main(self, value: Any) -> Any:
        """The main process's value; any picklable object."""
        if self.count == 1:
            return value
        values = [value]
        distributed.broadcast_object_list(values, src=0)
        return values[0]

    def sum(self, values: Tensor) -> Tensor:
        """The sum over all processes, written into `values`, a tensor on the device of the processes."""
        if self.count > 1:
            distributed.all_reduce(values)
        return values


def identify(environment: Mapping[str, str] = os.environ) -> Processes:
    """Read the variables that torchrun sets (RANK, WORLD_SIZE, LOCAL_RANK); without them the process is alone.

    Raises:
        InputError: When they make no sense.
    """
    given = [environment.get(name, default) for name, default in (("RANK", "0"), ("WORLD_SIZE", "1"))]
    try:
        rank, count = map(int, given)
        local_rank = int(environment.get("LOCAL_RANK", "0"))
    except ValueError:
        rank, count, local_rank = -1, 0, 0
    if not 0 <= rank < count or local_rank < 0:
        raise InputError(f"the environment says RANK={given[0]} and WORLD_SIZE={given[1]}: start with torchrun")
    return Processes(rank, count, local_rank)


@contextmanager
def joined(processes: Processes, device: torch.device) -> Iterator[None]:
    """Connect the processes for the time of the block: NCCL between GPUs, Gloo between CPUs."""
    if processes.count == 1:
        yield
        return
    backend = "nccl" if device.type == "cuda" else "gloo"
    distributed.init_process_group(backend, timeout=_PATIENCE)
    try:
        yield
    finally:
        distributed.destroy_process_group()
