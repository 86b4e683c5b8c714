"""Readers on damaged files: read or refused, never a traceback, never without end."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.attempt import attempt
from tests.fuzz.targets import TARGETS, Target


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_a_good_file_is_read(target: Target, tmp_path_factory: pytest.TempPathFactory) -> None:
    for path in target.good(tmp_path_factory.mktemp("good") / target.name):
        target.read(path)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_a_damaged_file_is_read_or_refused(target: Target, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("damaged") / target.name

    @settings(max_examples=60)
    @given(st.integers(0, 2**32))
    def check(seed: int) -> None:
        crash, path = attempt(target, folder, random.Random(seed))
        assert crash is None, path.read_bytes()[:500]

    check()
