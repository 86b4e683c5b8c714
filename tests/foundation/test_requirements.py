"""environment.yml and pyproject.toml name the same packages in the same versions, and one package brings OpenCV."""

from __future__ import annotations

import os
import subprocess
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REPOSITORY = Path(__file__).parents[2]


def project() -> dict[str, Any]:
    return tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]


def conda_requirements() -> tuple[list[Any], list[Requirement]]:
    """What environment.yml asks of conda, and of pip without the line that installs this repository."""
    dependencies = yaml.safe_load((REPOSITORY / "environment.yml").read_text())["dependencies"]
    *conda, by_pip = dependencies
    *packages, ours = by_pip["pip"]
    assert ours == "--editable .[dev]"
    return conda, [Requirement(line) for line in packages]


def bounds(lines: list[str]) -> dict[str, Requirement]:
    return {canonicalize_name(requirement.name): requirement for requirement in map(Requirement, lines)}


def test_environment_has_the_bounds_of_the_project() -> None:
    ours = project()
    conda, packages = conda_requirements()
    assert conda == [f"python{ours['requires-python']}", "pip"]
    stated = bounds([*ours["dependencies"], *ours["optional-dependencies"]["reference"]])
    for package in packages:
        assert package.specifier == stated[canonicalize_name(package.name)].specifier, package.name
    assert set(bounds(ours["optional-dependencies"]["reference"])) <= {canonicalize_name(p.name) for p in packages}


def test_every_package_has_a_lower_bound() -> None:
    ours = project()
    lines = [*ours["dependencies"], *(line for extra in ours["optional-dependencies"].values() for line in extra)]
    assert [line for line in lines if ">=" not in line] == []


def needed(requirement: Requirement, seen: set[str]) -> Iterator[str]:
    """Names of all packages that installing one brings, as the metadata of those installed here say."""
    name = canonicalize_name(requirement.name)
    if name in seen:
        return
    seen.add(name)
    yield name
    for line in requires(name) or ():
        dependency = Requirement(line)
        if dependency.marker is None or dependency.marker.evaluate({"extra": ""}):
            yield from needed(dependency, seen)


def test_the_environment_has_one_opencv() -> None:
    ours, (_, packages) = project(), conda_requirements()
    seen: set[str] = set()
    lines = map(Requirement, [*ours["dependencies"], *ours["optional-dependencies"]["dev"]])
    try:
        names = [name for requirement in [*packages, *lines] for name in needed(requirement, seen)]
    except PackageNotFoundError as error:
        pytest.skip(f"its dependencies are known only where they are installed: {error}")
    assert [name for name in names if name.startswith("opencv")] == ["opencv-python"]


@pytest.mark.parametrize("extras", ["reference,seeds", "dev, seeds,reference"])
def test_two_packages_named_opencv_are_not_installed(extras: str, tmp_path: Path) -> None:
    (tmp_path / "setup.sh").write_text((REPOSITORY / "setup.sh").read_text())
    (tmp_path / "pyproject.toml").write_text((REPOSITORY / "pyproject.toml").read_text())
    done = subprocess.run(
        ["bash", str(tmp_path / "setup.sh")],
        env={"PATH": os.defpath, "A2LC_EXTRAS": extras}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "opencv-python and opencv-contrib-python-headless overwrite each other" in done.stderr
    assert not (tmp_path / ".venv").exists()
