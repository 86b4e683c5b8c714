"""docs/fidelity.md tells the truth: its rows are numbered, every key it names exists and has the values it gives."""

from __future__ import annotations

import re
from functools import reduce
from pathlib import Path
from typing import Any

import pytest
import yaml

from a2lc.loop.config import RunConfig, load_config
from grounded_sam.settings import GenerateSettings, load_settings

DOCUMENT = Path(__file__).parents[2] / "docs" / "fidelity.md"
LAYERS = Path(__file__).parents[2] / "DeepLabV3Plus_Pytorch" / "a2lc" / "configs" / "fidelity"


def _rows() -> list[list[str]]:
    lines = [line for line in DOCUMENT.read_text(encoding="utf-8").splitlines() if re.match(r"\| \d+ \|", line)]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def _keys(mark: str) -> list[tuple[str, Any, Any]]:
    """Key, value of official and value of corrected of every key that is marked so."""
    found = (re.findall(rf"`{mark}([a-z_.]+)`: `([^`]+)` / `([^`]+)`", row[-1]) for row in _rows())
    return [(key, *map(yaml.safe_load, values)) for row in found for key, *values in row]


KEYS, MASK_KEYS = _keys(""), _keys("grounded-sam: ")


def _value(config: RunConfig | GenerateSettings, key: str) -> Any:
    return reduce(getattr, key.split("."), config)


def test_rows_are_numbered_and_complete() -> None:
    rows = _rows()
    assert [int(row[0]) for row in rows] == list(range(1, len(rows) + 1))
    assert all(len(row) == 6 and all(row) for row in rows)


@pytest.mark.parametrize(("key", "official", "corrected"), KEYS, ids=[key for key, *_ in KEYS])
def test_key_exists_with_the_values_given(key: str, official: Any, corrected: Any) -> None:
    for fidelity, expected in (("official", official), ("corrected", corrected)):
        (config,) = load_config("pascal", [f"fidelity={fidelity}"])
        assert _value(config, key) == expected


@pytest.mark.parametrize(("key", "official", "corrected"), MASK_KEYS, ids=[key for key, *_ in MASK_KEYS])
def test_key_of_the_masks_exists_with_the_values_given(key: str, official: Any, corrected: Any) -> None:
    assert _value(load_settings("pascal"), key) == official
    assert _value(load_settings("folder", ["dataset.root=x"]), key) == corrected


def test_cityscapes_masks_differ_in_resolution_alone() -> None:
    values = {key: _value(load_settings("cityscapes"), key) for key, *_ in MASK_KEYS}
    differing = {key: values[key] for key, official, _ in MASK_KEYS if values[key] != official}
    assert differing == {"detector.shortest_edge": 512, "detector.longest_edge": 1024}


def test_every_marked_key_is_read() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert len(re.findall(r"`grounded-sam: [a-z_]+\.", text)) == len(MASK_KEYS) > 0


@pytest.mark.parametrize("fidelity", ["official", "corrected"])
def test_every_key_of_the_layers_has_a_row(fidelity: str) -> None:
    layer = yaml.safe_load((LAYERS / f"{fidelity}.yaml").read_text(encoding="utf-8"))
    keys = {
        f"{section}.{key}" if key else section
        for section, value in layer.items()
        for key in (value if isinstance(value, dict) else [""])
    }
    assert keys <= {key for key, *_ in KEYS}


def test_corrected_is_what_the_code_does_without_any_layer() -> None:
    (config,) = load_config("demo", ["method=a2lc"])
    defaults = RunConfig(experiment="x", dataset=config.dataset)
    assert all(_value(defaults, key) == corrected for key, _, corrected in KEYS)


def test_cityscapes_has_its_own_view_and_thresholds() -> None:
    (official,), (corrected,) = (load_config("cityscapes", [f"fidelity={name}"]) for name in ("official", "corrected"))
    assert (official.scoring.view, corrected.scoring.view) == ("squashed", "native")
    assert official.propagation.threshold == (0.99, 0.99, 0.999, 0.9999, 0.9999999)
    assert corrected.propagation.threshold is None
