"""The processes that work on one run together: one alone, or several that torchrun started."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, Concatenate, NoReturn, ParamSpec, Protocol, TypeVar

from a2lc.foundation.environment import Place, own_place
from a2lc.foundation.errors import WaitingForAnswers

if TYPE_CHECKING:  # one process alone needs no PyTorch
    from torch import Tensor, distributed

Result = TypeVar("Result")
Parameters = ParamSpec("Parameters")
_PATIENCE = timedelta(days=2)  # others wait while one asks, propagates or evaluates; torchrun ends them if it dies


class EndedElsewhere(Exception):
    """The main process failed, or waits for people, and says so itself; this one has only to end.

    Attributes:
        waiting: Whether people have to answer first.
    """

    def __init__(self, waiting: bool) -> None:
        super().__init__("the main process ended")
        self.waiting = waiting


@dataclass(frozen=True)
class Processes(Place):
    """Who this process is, and what it tells the others; with one process nothing is sent.

    Every method but `share` and `may_speak` must be called by all processes, in the same order.

    Attributes:
        rank: Number of this process, from 0; process 0 is the main one, which writes.
        count: Number of processes.
        local_rank: Number of this process on its machine, which chooses the GPU.
        board: Where the processes leave each other notes, None when there is one process or none is connected.
    """

    board: distributed.Store | None = field(default=None, repr=False, compare=False)

    def wait(self) -> None:
        """Go on when all processes have come here."""
        if self.count > 1:
            import torch

            torch.distributed.all_reduce(torch.zeros(1))  # on the CPU, so that no GPU spins while another process works

    def gather(self, value: Result) -> list[Result]:
        """The values of all processes, in order of rank; any picklable object."""
        if self.count == 1:
            return [value]
        from torch import distributed

        values: list[Any] = [None] * self.count
        distributed.all_gather_object(values, value)
        return values

    def collect(self, value: Result) -> list[Result]:
        """The values of all processes, in order of rank, in the main process; an empty list in the others."""
        if self.count == 1:
            return [value]
        from torch import distributed

        values: list[Any] | None = [None] * self.count if self.is_main else None
        distributed.gather_object(value, values)
        return values or []

    def from_main(self, value: Any) -> Any:
        """The main process's value; any picklable object."""
        if self.count == 1:
            return value
        from torch import distributed

        values = [value]
        distributed.broadcast_object_list(values, src=0)
        return values[0]

    def on_main(self, work: Callable[[], Result]) -> Result:
        """Let the main process work while the others wait, and give all of them what came out.

        Args:
            work: Returns any picklable object.

        Raises:
            EndedElsewhere: In the other processes, when the work failed; the main process raises what it raised.
        """
        if self.count == 1:
            return work()
        if not self.is_main:
            waiting, result = self.from_main(None)
            if waiting is not None:
                raise EndedElsewhere(waiting)
            return result
        try:
            result = work()
        except BaseException as error:
            self.from_main((isinstance(error, WaitingForAnswers), None))
            raise
        self.from_main((None, result))
        return result

    def may_speak(self) -> bool:
        """Whether this process is the first that asks: of an error that ends all, one tells."""
        if self.board is None:
            return True
        try:
            return self.board.add("spoken", 1) == 1
        except RuntimeError:  # whoever kept the board has ended, and ended the others by that
            return False

    def sum(self, values: Tensor) -> Tensor:
        """The sum over all processes, written into `values`, a tensor on the device of the processes."""
        if self.count > 1:
            from torch import distributed

            distributed.all_reduce(values)
        return values


class WithProcesses(Protocol):
    """What several processes work on together."""

    @property
    def processes(self) -> Processes:
        """Those that work on it."""


Shared = TypeVar("Shared", bound="Processes | WithProcesses")


def on_main(
    work: Callable[Concatenate[Shared, Parameters], Result],
) -> Callable[Concatenate[Shared, Parameters], Result]:
    """Decorate a function that the main process does while the others wait; all of them get what came out.

    Its first argument is the processes, or has them as `processes`; it must be called by all of them, in the same
    order, so never from within another such function. See `Processes.on_main`.

    Example:
        >>> @on_main
        ... def who(processes: Processes) -> int:
        ...     return processes.rank
        >>> who(Processes())
        0
    """

    @wraps(work)
    def together(first: Shared, /, *arguments: Parameters.args, **options: Parameters.kwargs) -> Result:
        processes = first if isinstance(first, Processes) else first.processes
        return processes.on_main(partial(work, first, *arguments, **options))

    return together


def identify(environment: Mapping[str, str] = os.environ) -> Processes:
    """The processes that torchrun started, not yet connected (see `own_place`); one alone without it.

    Raises:
        InputError: When the variables make no sense.
    """
    place = own_place(environment)
    return Processes(place.rank, place.count, place.local_rank)


@contextmanager
def joined(processes: Processes) -> Iterator[Processes]:
    """Connect the processes for the time of the block: Gloo for what lies on the CPU, NCCL for what lies on a GPU.

    What Gloo keeps is not taken down, since that can wait for ever for a process that has ended: one of several
    processes ends with `leave`.

    Yields:
        The processes, connected.
    """
    if processes.count == 1:
        yield processes
        return
    import torch
    from torch import distributed

    board, rank, count = next(iter(distributed.rendezvous("env://")))
    board.set_timeout(_PATIENCE)
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    distributed.init_process_group(
        backend, store=distributed.PrefixStore("a2lc", board), rank=rank, world_size=count, timeout=_PATIENCE
    )
    together = replace(processes, board=board)
    yield together
    together.wait()  # not after an error, when others wait for this one
    if torch.cuda.is_available():
        distributed.destroy_process_group()


def leave(code: int) -> NoReturn:
    """End this process, one of several that were joined, with an exit code, when all is written.

    Nothing is tidied up: a thread of Gloo that is still there can abort a process while its interpreter ends
    ("terminate called without an active exception").
    """
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
