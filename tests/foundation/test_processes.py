"""Which process this is, and what the main one does for all."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from a2lc.foundation.environment import Place, is_watched, own_place
from a2lc.foundation.errors import InputError
from a2lc.foundation.processes import Processes, on_main


@dataclass(frozen=True)
class Work:
    processes: Processes = field(default_factory=Processes)

    @on_main
    def add(self, a: int, *, b: int) -> int:
        """Add."""
        return a + b


class Follower(Processes):
    """A process to which the main one tells 7."""

    def from_main(self, value: object) -> object:
        return None, 7


@on_main
def rank(processes: Processes) -> int:
    return processes.rank


def test_the_main_process_works_and_the_others_get_what_came_out() -> None:
    assert Work().add(1, b=2) == 3
    assert Work(Follower(1, 2)).add(1, b=2) == 7
    assert rank(Processes()) == 0
    assert rank(Follower(1, 2)) == 7
    assert Work.add.__doc__ == "Add."


def test_places() -> None:
    assert own_place({}) == Place()
    assert own_place({"RANK": "5", "WORLD_SIZE": "8", "LOCAL_RANK": "1"}) == Place(5, 8, 1)
    assert own_place({"RANK": "2", "WORLD_SIZE": "3"}) == Place(2, 3, 2)
    assert list(Place(1, 3).share(range(8))) == [1, 4, 7]
    assert is_watched({"TORCHELASTIC_RUN_ID": "none"})
    for nonsense in ({"RANK": "2", "WORLD_SIZE": "2"}, {"RANK": "one"}, {"LOCAL_RANK": "-1"}, {"WORLD_SIZE": ""}):
        with pytest.raises(InputError, match="torchrun"):
            own_place(nonsense)
