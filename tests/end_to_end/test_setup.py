"""What every script sources first, where an installation is there already."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def sourced(folder: Path, extras: str | None) -> subprocess.CompletedProcess[str]:
    """Source setup.sh as the scripts do, in a checkout with an installed .venv and no other a2lc on the path."""
    for name in ("setup.sh", "pyproject.toml"):
        shutil.copy(ROOT / name, folder / name)
    (folder / ".venv/bin").mkdir(parents=True)
    checksum = subprocess.run(["cksum"], input=(ROOT / "pyproject.toml").read_bytes(), capture_output=True, check=True)
    (folder / ".venv/a2lc-installed").write_text(f"{checksum.stdout.decode().strip()} {extras or ''}")
    environment = {"PATH": "/usr/bin:/bin", "HOME": os.environ.get("HOME", "/")}
    environment |= {} if extras is None else {"A2LC_EXTRAS": extras}
    program = f'set -euo pipefail; source "{folder}/setup.sh"; echo "$PATH"; echo "$GOMP_SPINCOUNT"'
    return subprocess.run(["bash", "-c", program], env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("extras", [None, "", "dev", "dev,reference"])
def test_an_installation_is_found_with_and_without_extras(tmp_path: Path, extras: str | None) -> None:
    done = sourced(tmp_path, extras)
    assert (done.returncode, done.stderr) == (0, "")
    path, spins = done.stdout.splitlines()
    assert path.startswith(f"{tmp_path}/.venv/bin:")
    assert spins == "1000"


def test_extras_that_overwrite_each_other_are_refused(tmp_path: Path) -> None:
    done = sourced(tmp_path, "dev, seeds, reference")
    assert done.returncode == 1
    assert "overwrite each other" in done.stderr
