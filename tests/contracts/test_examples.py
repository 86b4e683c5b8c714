"""The examples in the docstrings of public functions do what they show."""

from __future__ import annotations

import doctest
from importlib import import_module

import pytest

MODULES = (
    "a2lc.acquisition.class_weights",
    "a2lc.acquisition.scoring",
    "a2lc.acquisition.selection",
    "a2lc.annotators.page",
    "a2lc.annotators.words",
    "a2lc.foundation.readers.tables",
    "a2lc.foundation.registry",
    "a2lc.mask_statistics.statistics",
    "a2lc.propagation.criteria",
    "a2lc.propagation.lcm",
    "a2lc.quality.issues",
    "a2lc.quality.scores",
    "a2lc.quality.summary",
    "a2lc.segmentation.objectives.codebooks",
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_hold(name: str) -> None:
    found = doctest.testmod(import_module(name))
    assert found.attempted > 0
    assert found.failed == 0
