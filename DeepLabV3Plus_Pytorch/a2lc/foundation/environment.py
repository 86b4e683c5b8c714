"""The environment variables that a command listens to."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from a2lc.foundation.errors import InputError

COMMAND_VARIABLE = "A2LC_COMMAND"  # set by scripts: the command that a reader can run to get the same tables
ATTACHED_VARIABLE = "A2LC_ATTACHED"  # set by a command that starts others: they end when their standard input does

Item = TypeVar("Item")


@dataclass(frozen=True)
class Place:
    """Which of the processes that were started together this one is.

    Attributes:
        rank: Number of this process, from 0; process 0 is the main one.
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


def own_place(environment: Mapping[str, str] = os.environ) -> Place:
    """Read the variables that torchrun sets (RANK, WORLD_SIZE, LOCAL_RANK); without them the process is alone.

    They may also be set by hand; LOCAL_RANK is the rank then, where it is not given.

    Raises:
        InputError: When they make no sense.
    """
    given_rank = environment.get("RANK", "0")
    given_count = environment.get("WORLD_SIZE", "1")
    try:
        rank = int(given_rank)
        place = Place(rank, int(given_count), int(environment.get("LOCAL_RANK", rank)))
    except ValueError:
        place = Place(-1, 0, 0)
    if not 0 <= place.rank < place.count or place.local_rank < 0:
        raise InputError(
            f"the environment says RANK={given_rank} and WORLD_SIZE={given_count}: start the processes with torchrun, "
            "or give whole numbers with 0 <= RANK < WORLD_SIZE"
        )
    return place


def is_watched(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether torchrun watches the processes: an error of one of them ends all."""
    return "TORCHELASTIC_RUN_ID" in environment
