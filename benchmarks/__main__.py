"""Measure every stage against its yardstick, and print the tables.

    python -m benchmarks [--only lcm_speed,scoring_kernel] [--to performance.md]

Every module here that has `rows()` gives rows of the first table, every one that has `scaling()` rows of the second.
Each of these calls has a process of its own, so that the peak memory is that of what it measures.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import shlex
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import torch
from tqdm import tqdm

from a2lc.foundation.files import write_text
from benchmarks.alone import call
from benchmarks.table import Row, markdown

HERE = Path(__file__).parent
MODULES = ("scoring_kernel", "scoring_stage", "training_speed", "lcm_speed", "posterior_speed")
TABLES = {"rows": "", "scaling": "## How it scales"}


def main(argv: Sequence[str] | None = None, folder: Path = HERE, modules: Sequence[str] = MODULES) -> int:
    """Print the tables, and write them where asked.

    Args:
        argv: Arguments without the program's name; None = those of the process.
        folder: Where the modules are.
        modules: Which are measured without --only; those that do not exist are left out.

    Returns:
        0, or 1 when a measurement failed; the others are printed all the same.
    """
    given = list(sys.argv[1:] if argv is None else argv)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", metavar="LIST", help=f"modules, separated by commas; default: {','.join(modules)}")
    parser.add_argument("--to", type=Path, metavar="FILE", help="write the tables there, too")
    arguments = parser.parse_args(given)
    existing = sorted(path.stem for path in folder.glob("*.py") if not path.stem.startswith("_"))
    wanted = arguments.only.split(",") if arguments.only else [name for name in modules if name in existing]
    unknown = [name for name in wanted if name not in existing]
    if unknown:
        parser.error(f"no module {unknown[0]}: expected some of {', '.join(existing)}")

    tables, failures = measure(folder, wanted)
    text = f"{machine()}\n\n```\n{shlex.join(['python', '-m', 'benchmarks', *given])}\n```\n"
    for function, rows in tables.items():
        text += "\n".join(["", *filter(None, [TABLES[function], ""]), markdown(rows)]) if rows else ""
    print(text, end="")
    if arguments.to:
        write_text(arguments.to, text)
    for failure in failures:
        sys.stderr.write(f"{failure}\n")
    return 1 if failures else 0


def measure(folder: Path, modules: Sequence[str]) -> tuple[dict[str, list[Row]], list[str]]:
    """The rows of every table, module by module, and a line for every call that failed."""
    tables: dict[str, list[Row]] = {function: [] for function in TABLES}
    failures = []
    calls = [(module, function) for module in modules for function in TABLES]
    for module, function in (progress := tqdm(calls, unit="measurement", disable=None, leave=False)):
        progress.set_description(f"{module}.{function}")
        # spawned, not forked: a fork would start with the memory of this process
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
            try:
                tables[function] += [Row(**row) for row in process.submit(call, folder, module, function).result()]
            except Exception as error:
                failures.append(f"{module}.{function} failed: {type(error).__name__}: {error}")
    return tables, failures


def machine() -> str:
    """What the measurements were made on, in a line."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    cores = len(os.sched_getaffinity(0))
    return f"{_processor()}, {cores} cores, {memory:.0f} GiB of memory, {gpu}, PyTorch {torch.__version__}"


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    lines = information.read_text(encoding="utf-8").splitlines() if information.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else "unknown processor"


if __name__ == "__main__":
    raise SystemExit(main())
