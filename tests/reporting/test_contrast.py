"""Two results folders side by side: which difference is shown, and what cannot be compared."""

from __future__ import annotations

from pathlib import Path

import pytest

from a2lc.cli import main
from a2lc.foundation.errors import InputError
from a2lc.reporting import contrast, write_seed_csv


def results(folder: Path, **of_methods: dict[int, list[float]]) -> Path:
    """A results folder: {method: {round: data mIoU of each seed}}."""
    seeds = max(len(values) for rounds in of_methods.values() for values in rounds.values())
    for seed in range(seeds):
        rows = [
            {"method": method, "round": index, "clicks": 100 * index, "data_miou": values[seed]}
            for method, rounds in of_methods.items()
            for index, values in rounds.items()
            if seed < len(values)
        ]
        write_seed_csv(folder / f"seed{seed + 1}.csv", rows)
    return folder


def rows_of(text: str) -> list[list[str]]:
    """The cells of the first table, without heading and rule."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_a_difference_counts_where_the_bands_do_not_overlap(tmp_path: Path) -> None:
    a = results(tmp_path / "a", a2lc={0: [0.5, 0.5], 1: [0.60, 0.62], 2: [0.70, 0.60]})
    b = results(tmp_path / "b", a2lc={0: [0.5, 0.5], 1: [0.50, 0.52], 2: [0.66, 0.68], 3: [0.9, 0.9]})
    assert rows_of(contrast(a, b)) == [
        ["a2lc", "init", "50.00 ± 0.00", "50.00 ± 0.00", "+0.00", "no difference shown"],
        ["a2lc", "1", "61.00 ± 1.41", "51.00 ± 1.41", "-10.00", "A higher"],
        ["a2lc", "2", "65.00 ± 7.07", "67.00 ± 1.41", "+2.00", "no difference shown"],
    ]


def test_a_single_seed_shows_nothing(tmp_path: Path) -> None:
    a = results(tmp_path / "a", a2lc={1: [0.6]})
    b = results(tmp_path / "b", a2lc={1: [0.7, 0.7]})
    (row,) = rows_of(contrast(a, b))
    assert row[-2:] == ["+10.00", "single seed: no band"]


def test_single_methods_of_other_names_are_compared_and_lonely_ones_are_told(tmp_path: Path) -> None:
    a = results(tmp_path / "a", a2lc={1: [0.6]})
    b = results(tmp_path / "b", alc={1: [0.7]})
    both = results(tmp_path / "both", a2lc={1: [0.6]}, random={1: [0.5]})
    assert rows_of(contrast(a, b))[0][0] == "a2lc → alc"
    assert "Only B has random." in contrast(a, both)
    with pytest.raises(InputError, match="method in common"):
        contrast(both, b)


def test_the_verb(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a = results(tmp_path / "a", a2lc={1: [0.6]})
    assert main(["compare", str(a), str(a)]) == 0
    assert "no difference shown" in capsys.readouterr().out
    for arguments in ([str(a)], [str(a), str(tmp_path / "none")]):
        assert main(["compare", *arguments]) == 2
