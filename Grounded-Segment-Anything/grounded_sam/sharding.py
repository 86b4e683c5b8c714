"""Which process does which images, and on which device; nothing is sent between processes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from a2lc.foundation.environment import Place, is_watched, own_place

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Share(Place):
    """The part of the work that one of several processes does.

    Attributes:
        falls_together: Whether an error of one process ends all, as under torchrun.
    """

    falls_together: bool = False

    def of(self, batches: Sequence[tuple[str, ...]]) -> Sequence[tuple[str, ...]]:
        """The batches of this process: rank, rank + count, ..."""
        return self.share(batches)

    def device(self, name: str) -> torch.device:
        """The device that a name means for this process: "auto" and "cuda" are a GPU each, by local rank.

        Raises:
            InputError: When it does not exist.
        """
        from a2lc.foundation.devices import choose_device

        return choose_device(name, self, shared=True)


def share_of_process(environment: Mapping[str, str]) -> Share:
    """The share that the variables of torchrun (RANK, WORLD_SIZE, LOCAL_RANK) give; all of the work without them.

    They may also be set by hand, for processes that nobody watches; torchrun adds variables of its own.

    Raises:
        InputError: When they make no sense.
    """
    place = own_place(environment)
    return Share(place.rank, place.count, place.local_rank, is_watched(environment))


def make_batches(image_ids: Sequence[str], size: int) -> list[tuple[str, ...]]:
    """Batches of neighbours in the list; a function of the list alone, whatever of it is done already."""
    return [tuple(image_ids[start : start + size]) for start in range(0, len(image_ids), size)]
