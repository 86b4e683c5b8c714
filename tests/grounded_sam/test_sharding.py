"""Shares and batches: every image is in exactly one batch of one process, whatever is done already."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from a2lc.foundation.errors import InputError
from grounded_sam.sharding import Share, make_batches, share_of_process


@settings(deadline=None)
@given(st.integers(0, 40), st.integers(1, 9), st.integers(1, 6))
def test_processes_divide_the_batches_of_one(images: int, size: int, count: int) -> None:
    ids = [f"image{index}" for index in range(images)]
    batches = make_batches(ids, size)
    shares = [Share(rank, count).of(batches) for rank in range(count)]
    assert sorted(batch for share in shares for batch in share) == sorted(batches)
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
    assert [image_id for batch in batches for image_id in batch] == ids
    assert all(len(batch) == size for batch in batches[:-1])


def test_share_of_process() -> None:
    assert share_of_process({}) == Share(0, 1, 0)
    assert share_of_process({"RANK": "5", "WORLD_SIZE": "8", "LOCAL_RANK": "1"}) == Share(5, 8, 1)
    assert share_of_process({"RANK": "2", "WORLD_SIZE": "3"}) == Share(2, 3, 2)
    watched = {"RANK": "0", "WORLD_SIZE": "1", "TORCHELASTIC_RUN_ID": "none"}
    assert share_of_process(watched) == Share(falls_together=True)


@pytest.mark.parametrize("rank", ["2", "-1", "one", ""])
def test_nonsense_in_the_environment_is_refused(rank: str) -> None:
    with pytest.raises(InputError, match="torchrun"):
        share_of_process({"RANK": rank, "WORLD_SIZE": "2"})


def test_a_device_that_is_not_there_is_refused() -> None:
    assert Share().device("cpu").type == "cpu"
    with pytest.raises(InputError, match="device=auto"):
        Share().device("cuda:99")
