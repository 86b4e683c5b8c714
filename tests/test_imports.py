"""Who may import whom: rooms lie on floors, and imports go downwards only.

A room is a package or loose module below a2lc/, or grounded_sam. Every import counts: those inside functions, those for
type checkers alone (a type is a dependency, too), and calls of import_module with a constant name.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
WINGS = (ROOT / "DeepLabV3Plus_Pytorch", ROOT / "Grounded-Segment-Anything")
# from the top; each may import those on the floors below it
FLOORS = (
    {"cli"},
    {"commands"},
    {"audit", "sweep", "simulation", "semi_supervised"},
    {"loop"},
    {"segmentation", "acquisition", "annotators", "propagation", "posterior", "reporting", "quality"},
    {"mask_statistics", "datasets", "evaluation"},
    {"labels"},
    {"formats"},
    {"classes"},
    {"foundation"},
)
OF_THE_OTHER_WING = {"classes", "datasets", "labels", "formats", "foundation"}
EMPTY = ("foundation", "evaluation", "loop", "commands")


def imported(path: Path) -> Iterator[str]:
    """The names of all modules that a file imports; of `from a import b` both a and a.b."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in ("import_module", "__import__"):
            yield from (argument.value for argument in node.args if isinstance(argument, ast.Constant))


def room_of(module: str, rooms: set[str]) -> str | None:
    """The room of a module; None outside the house, and for the front door, a2lc itself."""
    package, _, inside = module.partition(".")
    if package != "a2lc":
        return package if package in rooms else None
    name = inside.partition(".")[0]
    return name if name in rooms else None


def arrows(*wings: Path) -> dict[str, set[str]]:
    """Which other rooms each room imports."""
    paths = {path: path.relative_to(wing).with_suffix("").parts for wing in wings for path in wing.glob("*/**/*.py")}
    inside = {path: parts for path, parts in paths.items() if parts[0] in ("a2lc", "grounded_sam")}
    homes = {path: parts[0] if parts[0] == "grounded_sam" else parts[1] for path, parts in inside.items()}
    rooms = set(homes.values()) - {"__init__"}
    graph: dict[str, set[str]] = {room: set() for room in rooms}
    for path, room in homes.items():
        found = {room_of(module, rooms) for module in imported(path)} - {None, room}
        if room != "__init__":
            graph[room] |= {str(other) for other in found}
    return graph


def wrong(graph: Mapping[str, set[str]]) -> list[str]:
    """Every arrow that does not go down, and every room that has no floor."""
    floor = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
    homeless = [f"{room} is on no floor" for room in graph if room not in floor and room != "grounded_sam"]
    below = {(room, other) for room, others in graph.items() for other in others if room in floor and other in floor}
    upwards = [f"{room} imports {other}" for room, other in below if floor[room] >= floor[other]]
    guests = [f"grounded_sam imports {other}" for other in graph.get("grounded_sam", set()) - OF_THE_OTHER_WING]
    back = [f"{room} imports grounded_sam" for room, others in graph.items() if "grounded_sam" in others]
    return sorted(homeless + upwards + guests + back)


def test_imports_go_downwards_only() -> None:
    graph = arrows(*WINGS)
    assert len(graph) > 15
    assert wrong(graph) == []


def test_there_is_no_circle_of_rooms() -> None:
    try:
        list(TopologicalSorter(arrows(*WINGS)).static_order())
    except CycleError as circle:
        pytest.fail(str(circle))


@pytest.mark.parametrize("room", EMPTY)
def test_front_doors_that_import_nothing(room: str) -> None:
    assert list(imported(WINGS[0] / "a2lc" / room / "__init__.py")) == []


@pytest.mark.parametrize(
    ("room", "line", "complaint"),
    [
        ("labels", "from a2lc.loop import run", "labels imports loop"),
        ("sweep", "def start():\n    import_module('a2lc.cli')", "sweep imports cli"),
        ("posterior", "from a2lc.propagation.lcm import x", "posterior imports propagation"),
        (
            "foundation",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import a2lc.labels",
            "foundation imports",
        ),
        ("attic", "", "attic is on no floor"),
    ],
)
def test_an_arrow_upwards_is_noticed(tmp_path: Path, room: str, line: str, complaint: str) -> None:
    for name in ("labels", "loop", "sweep", "posterior", "propagation", "foundation", room):
        (tmp_path / "a2lc" / name).mkdir(parents=True, exist_ok=True)
        (tmp_path / "a2lc" / name / "__init__.py").touch()
    (tmp_path / "a2lc" / "cli.py").touch()
    assert wrong(arrows(tmp_path)) == ([complaint] if room == "attic" else [])
    (tmp_path / "a2lc" / room / "new.py").write_text(line)
    (found,) = wrong(arrows(tmp_path))
    assert complaint in found
