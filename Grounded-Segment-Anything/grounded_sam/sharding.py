"""Which process does which images, and on which device; nothing is sent between processes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from a2lc.foundation.errors import InputError

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Share:
    """The part of the work that one of several processes does.

    Attributes:
        rank: Number of this process, from 0.
        count: Number of processes.
        local_rank: Number of this process on its machine, which chooses the GPU.
        falls_together: Whether an error of one process ends all, as under torchrun.
    """

    rank: int = 0
    count: int = 1
    local_rank: int = 0
    falls_together: bool = False

    def of(self, batches: Sequence[tuple[str, ...]]) -> Sequence[tuple[str, ...]]:
        """The batches of this process: rank, rank + count, ..."""
        return batches[self.rank :: self.count]

    def device(self, name: str) -> torch.device:
        """The device that a name means for this process: "auto" and "cuda" are a GPU each, by local rank.

        Raises:
            InputError: When it does not exist.
        """
        import torch

        try:
            if name in ("auto", "cuda") and torch.cuda.is_available():
                name = f"cuda:{self.local_rank % torch.cuda.device_count()}"
            device = torch.device("cpu" if name == "auto" else name)
            torch.zeros(1, device=device)
        except (RuntimeError, AssertionError) as error:
            reason = str(error).splitlines()[0]
            raise InputError(f"device is '{name}', which cannot be used here ({reason}): set device=auto") from None
        return device


def share_of_process(environment: Mapping[str, str]) -> Share:
    """The share that the variables of torchrun (RANK, WORLD_SIZE, LOCAL_RANK) give; all of the work without them.

    They may also be set by hand, for processes that nobody watches; torchrun adds variables of its own.

    Raises:
        InputError: When they make no sense.
    """
    given = environment.get("RANK", "0"), environment.get("WORLD_SIZE", "1")
    try:
        rank, count = map(int, given)
        local_rank = int(environment.get("LOCAL_RANK", rank))
    except ValueError:
        rank, count, local_rank = -1, 0, 0
    if not 0 <= rank < count or local_rank < 0:
        raise InputError(
            f"the environment says RANK={given[0]} and WORLD_SIZE={given[1]}: start the processes with torchrun, or "
            "give whole numbers with 0 <= RANK < WORLD_SIZE"
        )
    return Share(rank, count, local_rank, falls_together="TORCHELASTIC_RUN_ID" in environment)


def make_batches(image_ids: Sequence[str], size: int) -> list[tuple[str, ...]]:
    """Batches of neighbours in the list; a function of the list alone, whatever of it is done already."""
    return [tuple(image_ids[start : start + size]) for start in range(0, len(image_ids), size)]
