"""Tables of results: exact round trips, a summary computed by hand, and a figure that shows something."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from a2lc.evaluation.cost import Unit
from a2lc.foundation.errors import InputError
from a2lc.reporting import Published, Row, plot_miou, read_results, read_seed_csv, summarise, write_seed_csv

DEMO = Path(__file__).parents[2] / "results" / "demo"
NUMBERS = st.none() | st.integers() | st.floats(allow_nan=False)


def row(method: str, round_index: int, clicks: int, data: float, **more: float) -> Row:
    return {"method": method, "round": round_index, "clicks": clicks, "data_miou": data, **more}


def table_of_rounds(summary: str) -> list[str]:
    """The lines of the table "Rounds"."""
    return [line for line in summary.split("## Rounds")[1].splitlines() if line.startswith("|")]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two seeds of two methods; the second seed of `random` was stopped after round 1."""
    write_seed_csv(
        tmp_path / "seed2.csv",
        [
            row("a2lc", 0, 0, 0.50, model_miou_best=0.40),
            row("a2lc", 1, 1000, 0.62, model_miou_best=0.46, p=0.25, propagated_changes=10, propagated_precision=0.9),
            row("a2lc", 2, 1990, 0.70, model_miou_best=0.50, p=0.5, propagated_changes=21, propagated_precision=0.8),
            row("random", 0, 0, 0.50, model_miou_best=0.40),
            row("random", 1, 1000, 0.53, model_miou_best=0.41, p=0.75),
        ],
    )
    write_seed_csv(
        tmp_path / "seed1.csv",
        [
            row("a2lc", 0, 0, 0.50, model_miou_best=0.42),
            row("a2lc", 1, 1000, 0.60, model_miou_best=0.45, p=0.35, seconds_train=1200.25),
            row("a2lc", 2, 2000, 0.74, model_miou_best=0.52, p=0.5, propagated_changes=20),
            row("random", 0, 0, 0.50, model_miou_best=0.42),
            row("random", 1, 1000, 0.51, model_miou_best=0.43, p=0.75),
            row("random", 2, 2000, 0.55, model_miou_best=0.44, p=0.75),
        ],
    )
    return tmp_path


class TestCsv:
    def test_columns_stand_in_the_order_of_their_first_naming(self, tmp_path: Path) -> None:
        path = tmp_path / "deep" / "seed1.csv"
        write_seed_csv(path, [{"method": "a", "round": 0}, {"method": "a", "p": 0.1, "round": 1, "iou_car, red": None}])
        assert path.read_bytes() == b'method,round,p,"iou_car, red"\na,0,,\na,1,0.1,\n'
        assert list(tmp_path.rglob(".part*")) == []

    @given(st.lists(st.fixed_dictionaries({"clicks": NUMBERS, "p": NUMBERS, "iou_dog": NUMBERS}), max_size=5))
    def test_numbers_come_back_as_they_were(self, tmp_path_factory: pytest.TempPathFactory, drawn: list[Row]) -> None:
        rows = [{"method": "007", "round": index, **values} for index, values in enumerate(drawn)]
        path = tmp_path_factory.getbasetemp() / "seed1.csv"
        write_seed_csv(path, rows)
        back = read_seed_csv(path)
        assert back == rows
        assert all(type(b[column]) is type(r[column]) for b, r in zip(back, rows, strict=True) for column in r)

    def test_columns_of_earlier_versions_come_back_under_their_present_names(self, tmp_path: Path) -> None:
        path = tmp_path / "seed1.csv"
        path.write_text("method,round,p,lcm_changes,lcm_precision,lcm_right_before\na2lc,1,0.5,7,0.75,0.25\n")
        (back,) = read_seed_csv(path)
        assert list(back.items())[2:] == [
            ("p", 0.5),
            ("propagated_changes", 7),
            ("propagated_precision", 0.75),
            ("propagated_right_before", 0.25),
        ]

    def test_numpy_numbers_and_nan(self, tmp_path: Path) -> None:
        path = tmp_path / "seed1.csv"
        numbers = {"a": np.float64(0.1), "b": np.int64(3), "c": math.nan, "d": np.float32(0.5)}
        write_seed_csv(path, [{"method": "x", "round": 0, **numbers}])
        assert read_seed_csv(path) == [{"method": "x", "round": 0, "a": 0.1, "b": 3, "c": None, "d": 0.5}]

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("method,p\na,1\n", "line 2: expected the columns method and round"),
            ("method,round\na,1\na,2,3\n", "line 3: .* a heading per cell"),
            ("method,round\na,1\na,1\n", "two rows for method a, round 1"),
        ],
    )
    def test_a_broken_table_is_refused(self, tmp_path: Path, text: str, message: str) -> None:
        (tmp_path / "seed1.csv").write_text(text)
        with pytest.raises(InputError, match=message):
            read_seed_csv(tmp_path / "seed1.csv")

    def test_no_results(self, tmp_path: Path) -> None:
        (tmp_path / "seed1.csv.bak").touch()
        (tmp_path / "seeds.csv").touch()
        with pytest.raises(InputError, match=r"holds no seed<k>\.csv"):
            summarise(tmp_path, "title", "command")
        with pytest.raises(InputError, match="does not exist"):
            read_seed_csv(tmp_path / "seed1.csv")

    def test_seeds_are_read_in_ascending_order(self, tmp_path: Path) -> None:
        for seed in (10, 9, 1):
            write_seed_csv(tmp_path / f"seed{seed}.csv", [row("a", 0, 0, seed / 100)])
        assert [(seed, rows[0]["data_miou"]) for seed, rows in read_results(tmp_path).items()] == [
            (1, 0.01),
            (9, 0.09),
            (10, 0.1),
        ]


class TestSummary:
    def test_opens_with_the_title_and_the_command(self, folder: Path) -> None:
        text = summarise(folder, "PASCAL", "a2lc run pascal seeds=1,2")
        assert text.startswith("# PASCAL\n\n```\na2lc run pascal seeds=1,2\n```\n\nSeeds: 1, 2.")
        assert text == summarise(folder, "PASCAL", "a2lc run pascal seeds=1,2")

    def test_quality_tables_computed_by_hand(self, folder: Path) -> None:
        # the sample deviation of two numbers is their distance over √2: 2 -> 1.41, 1 -> 0.71, 4 -> 2.83
        text = summarise(folder, "t", "c")
        data = text.split("## Data mIoU (%)")[1].split("##")[0]
        assert data.strip().splitlines()[2:] == [
            "| method | init | 1 (1,000) | 2 (1,990–2,000) |",
            "| :-- | --: | --: | --: |",
            "| a2lc | 50.00 ± 0.00 | 61.00 ± 1.41 | 72.00 ± 2.83 |",
            "| random | 50.00 ± 0.00 | 52.00 ± 1.41 | 55.00 ± – (n=1) |",
        ]
        assert "| a2lc | 41.00 ± 1.41 | 45.50 ± 0.71 | 51.00 ± 1.41 |" in text.split("## Model mIoU, best")[1]
        assert "last checkpoint" not in text  # no seed has it

    def test_rounds_table_computed_by_hand(self, folder: Path) -> None:
        lines = table_of_rounds(summarise(folder, "t", "c"))
        assert lines[0].startswith(
            "| method | round | clicks | p (%) | annotator changes | propagated changes | propagated precision (%) "
            "| train (s) |"
        )
        assert lines[2:] == [
            "| a2lc | init | 0 | – | – | – | – | – | – | – | – | – |",
            "| a2lc | 1 | 1,000 | 30.00 | – | 10.0 | 90.00 | 1,200.2 | – | – | – | – |",
            "| a2lc | 2 | 1,995 | 50.00 | – | 20.5 | 80.00 | – | – | – | – | – |",
            "| random | init | 0 | – | – | – | – | – | – | – | – | – |",
            "| random | 1 | 1,000 | 75.00 | – | – | – | – | – | – | – | – |",
            "| random | 2 | 2,000 | 75.00 | – | – | – | – | – | – | – | – |",
        ]

    def test_the_committed_summary_is_that_of_the_committed_tables(self) -> None:
        committed = (DEMO / "summary.md").read_text(encoding="utf-8")
        title, fenced, _ = committed.split("\n\n", 2)
        assert summarise(DEMO, title.removeprefix("# "), fenced.strip("`\n")) == committed

    def test_published_rows_stand_below_ours(self, folder: Path) -> None:
        far = Published("paper, seed 1", "without LCM", (), data_miou={5: 80.0}, model_miou_best={2: 52.5})
        whole = Published("paper", "a2lc", (), {0: 58.63, 2: 74.9}, {0: 57.0}, note="its masks are its own.")
        text = summarise(folder, "t", "c", {"a2lc": (whole, far), "absent": (whole,)})
        opening, data, best = text.split("## ")[:3]
        assert "Rows with a paper in brackets are quoted" in opening
        assert opening.rstrip().endswith("\n\n- a2lc (paper): its masks are its own.")
        assert [line.split(" ±")[0] for line in data.splitlines() if line.startswith("| ")][2:] == [
            "| a2lc | 50.00",
            "| a2lc (paper) | 58.63 | – | 74.90 |",
            "| random | 50.00",
        ]
        assert "| a2lc (paper) | 57.00 | – | – |\n| without LCM (paper, seed 1) | – | – | 52.50 |\n| random" in best
        assert "(paper" not in text.split("## Rounds")[1]

    def test_nothing_is_said_of_papers_where_none_is_quoted(self, folder: Path) -> None:
        assert summarise(folder, "t", "c", {"a2lc": ()}) == summarise(folder, "t", "c")
        assert "paper in brackets" not in summarise(folder, "t", "c")

    @pytest.mark.parametrize(
        ("column", "heading"),
        [
            ("data_miou_present", "## Data mIoU over present classes (%)"),
            ("data_miou_strict", "## Data mIoU, unlabelled pixels counted as wrong (%)"),
        ],
    )
    def test_a_variant_of_data_miou_is_shown_where_it_differs(self, tmp_path: Path, column: str, heading: str) -> None:
        path = tmp_path / "seed1.csv"
        write_seed_csv(path, [row("a", 0, 0, 0.5, **{column: 0.5}), row("a", 1, 9, 0.6, **{column: 0.6})])
        assert heading not in summarise(tmp_path, "t", "c")
        write_seed_csv(path, [row("a", 0, 0, 0.5, **{column: 0.5}), row("a", 1, 9, 0.6, **{column: 0.7})])
        assert "| a | 50.00 ± – | 70.00 ± – |" in summarise(tmp_path, "t", "c").split(heading)[1].split("##")[0]

    def test_what_was_right_before_it_was_changed(self, tmp_path: Path) -> None:
        write_seed_csv(tmp_path / "seed1.csv", [row("a", 0, 0, 0.5), row("a", 1, 9, 0.6, propagated_right_before=0.25)])
        text = summarise(tmp_path, "t", "c")
        lines = table_of_rounds(text)
        assert "\n- right before: share of the propagated changes before which the label was right already.\n" in text
        assert "| propagated changes | propagated precision (%) | right before (%) | train (s) |" in lines[0]
        assert lines[3].startswith("| a | 1 | 9 | – | – | – | – | 25.00 |")

    def test_costs_stand_beside_the_clicks_where_the_table_has_them(self, tmp_path: Path) -> None:
        costs = {"bits": 0.0, "bits_classification": 0.0, "annotator_seconds": 0.0}
        start, spent = row("a", 0, 0, 0.5, **costs), {"bits": 1219.5, "bits_classification": 4392.3}
        write_seed_csv(tmp_path / "seed1.csv", [start, row("a", 1, 1000, 0.6, **spent)])
        text = summarise(tmp_path, "t", "c")
        lines = table_of_rounds(text)
        assert "\n- bits: what all questions so far cost" in text
        assert lines[0].startswith("| method | round | clicks | bits | bits if classified | p (%) |")
        assert lines[2].startswith("| a | init | 0 | 0.0 | 0.0 | – |")
        assert lines[3].startswith("| a | 1 | 1,000 | 1,219.5 | 4,392.3 | – |")
        assert "annotator (s)" not in lines[0], "the simulated annotator takes no time"
        write_seed_csv(tmp_path / "seed1.csv", [start, row("a", 1, 1000, 0.6, **spent, annotator_seconds=95.1)])
        assert "| bits if classified | annotator (s) | p (%) |" in summarise(tmp_path, "t", "c").split("## Rounds")[1]

    def test_a_start_that_took_clicks_counts_them(self, tmp_path: Path) -> None:
        write_seed_csv(tmp_path / "seed1.csv", [row("a", 0, 3000, 0.5), row("a", 1, 4000, 0.6)])
        assert "| method | init (3,000) | 1 (4,000) |" in summarise(tmp_path, "t", "c")

    def test_the_headings_count_what_is_asked_for(self, folder: Path) -> None:
        rows = read_seed_csv(folder / "seed1.csv")
        for one in rows:
            one |= {"bits": 1.4 * float(one["clicks"] or 0), "annotator_seconds": 2.0 * float(one["clicks"] or 0)}
        rows[-1]["bits"] = 3000.4  # another method pays another price for the same clicks
        write_seed_csv(folder / "seed1.csv", rows)
        bits, seconds = (summarise(folder, "t", "c", against=unit) for unit in ("bits", "seconds"))
        assert "In brackets: bits so far.\n\n| method | init | 1 (1,400) | 2 (2,800–3,000) |" in bits
        assert "In brackets: seconds of the annotator so far.\n\n| method | init | 1 (2,000) | 2 (4,000) |" in seconds
        assert "| method | init | 1 (1,000) | 2 (1,990–2,000) |" in summarise(folder, "t", "c")

    @pytest.mark.parametrize(
        ("unit", "why"), [("bits", "before bits were counted"), ("seconds", "simulated annotator")]
    )
    def test_effort_that_was_not_counted_is_refused(self, tmp_path: Path, unit: Unit, why: str) -> None:
        write_seed_csv(
            tmp_path / "seed1.csv", [row("a", 0, 0, 0.5, bits=0.0, annotator_seconds=0.0), row("a", 1, 9, 1)]
        )
        with pytest.raises(InputError, match=f"no round of the results has {unit} of an annotator: .*{why}"):
            summarise(tmp_path, "t", "c", against=unit)
        with pytest.raises(InputError, match=why):
            plot_miou(tmp_path, tmp_path / "miou.png", against=unit)

    def test_a_single_seed_has_no_deviation(self, folder: Path) -> None:
        (folder / "seed2.csv").unlink()
        assert "| a2lc | 50.00 ± – | 60.00 ± – | 74.00 ± – |" in summarise(folder, "t", "c")

    def test_a_method_that_lacks_a_round_has_an_empty_cell(self, folder: Path) -> None:
        (folder / "seed1.csv").unlink()
        assert "| random | 50.00 ± – | 53.00 ± – | – |" in summarise(folder, "t", "c")


class TestFigure:
    def test_shows_every_method_in_its_colour(self, folder: Path) -> None:
        path = folder / "miou.png"
        plot_miou(folder, path)
        with Image.open(path) as image:
            assert (image.format, image.size) == ("PNG", (1650, 720))
            assert "Software" not in image.info
            pixels = np.asarray(image.convert("RGB")).reshape(-1, 3)
        for color in ((0x00, 0x72, 0xB2), (0xD5, 0x5E, 0x00)):
            assert (pixels == color).all(axis=1).sum() > 500
        assert not (pixels == (0x00, 0x9E, 0x73)).all(axis=1).any()  # there is no third method

    def test_the_same_tables_give_the_same_bytes(self, folder: Path) -> None:
        plot_miou(folder, folder / "one.png")
        plot_miou(folder, folder / "two.png")
        assert (folder / "one.png").read_bytes() == (folder / "two.png").read_bytes()

    def test_against_bits_each_method_stands_where_its_answers_put_it(self, tmp_path: Path) -> None:
        def rows(bits: float) -> list[Row]:
            return [row(name, r, 9 * r, 0.5, bits=bits * r) for name in ("cheap", "dear") for r in (0, 1)]

        write_seed_csv(tmp_path / "seed1.csv", [*rows(10)[:2], *rows(20)[2:]])
        plot_miou(tmp_path, tmp_path / "bits.png", against="bits")
        reach = []
        with Image.open(tmp_path / "bits.png") as image:
            panel = np.asarray(image.convert("RGB"))[:580, :825]  # the left one, without the legend
        for color in ((0x00, 0x72, 0xB2), (0xD5, 0x5E, 0x00)):
            reach.append(np.flatnonzero((panel == color).all(axis=2).any(axis=0)).max())
        assert reach[0] < reach[1] - 200

    @pytest.mark.parametrize("length", [4, 18, 40])
    def test_the_names_of_many_methods_fit(self, tmp_path: Path, length: int) -> None:
        names = [f"{index}{'m' * length}" for index in range(9)]
        write_seed_csv(tmp_path / "seed1.csv", [row(name, r, 9 * r, 0.5) for name in names for r in (0, 1)])
        plot_miou(tmp_path, tmp_path / "miou.png")
        with Image.open(tmp_path / "miou.png") as image:
            pixels = np.asarray(image.convert("L"))
        assert pixels.shape[1] == 1650
        assert pixels.shape[0] > 720
        legend = (pixels[640:] < 250).any(axis=0)
        assert not legend[:15].any()
        assert not legend[-15:].any()

    def test_without_any_measurement_it_says_so(self, tmp_path: Path) -> None:
        write_seed_csv(tmp_path / "seed1.csv", [{"method": "a", "round": 0, "clicks": 0}])
        plot_miou(tmp_path, tmp_path / "miou.png")
        with Image.open(tmp_path / "miou.png") as image:
            words = np.asarray(image.convert("L"))[330:390, 300:600]  # the middle of the left panel, between grid lines
        assert (words < 160).sum() > 50
