"""Fuzz the readers: python -m tests.fuzz --minutes 15 --seed 1 [--keep FOLDER]."""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.fuzz.attempt import attempt
from tests.fuzz.targets import TARGETS


def main() -> int:
    """Report how many files were tried and every kind of crash; 1 when there was one."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=15, help="default: 15")
    parser.add_argument("--seed", type=int, default=1, help="default: 1")
    parser.add_argument("--target", choices=[target.name for target in TARGETS], help="only this reader")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="for a file that shows each kind of crash")
    arguments = parser.parse_args()
    targets = [target for target in TARGETS if arguments.target in (None, target.name)]
    tried: Counter[str] = Counter()
    crashes: Counter[str] = Counter()
    end = time.monotonic() + 60 * arguments.minutes
    with tempfile.TemporaryDirectory() as folder:
        for number in _numbers_until(end):
            target = targets[number % len(targets)]
            draw = random.Random(f"{arguments.seed} {target.name} {number}")
            crash, path = attempt(target, Path(folder) / target.name, draw)
            tried[target.name] += 1
            if crash is None:
                continue
            crashes[crash] += 1
            if crashes[crash] == 1:
                sys.stdout.write(f"{target.name}, file {number}: {crash}\n")
                sys.stdout.flush()
                _keep(path, arguments.keep, f"{target.name}_{number}_{path.name}")
    sys.stdout.writelines(f"{name:15} {count:9,} files\n" for name, count in tried.items())
    sys.stdout.writelines(f"{count:9,} times: {crash}\n" for crash, count in crashes.most_common())
    sys.stdout.write(f"{tried.total():,} files, {len(crashes)} kinds of crash, seed {arguments.seed}\n")
    return 1 if crashes else 0


def _numbers_until(end: float) -> Iterator[int]:
    number = 0
    while time.monotonic() < end:
        yield number
        number += 1


def _keep(path: Path, folder: Path | None, name: str) -> None:
    if folder is not None and path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, folder / name)


if __name__ == "__main__":
    raise SystemExit(main())
