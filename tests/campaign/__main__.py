"""Kill every verb anywhere, and compare: python -m tests.campaign --kills 500 --seed 1 [--minutes 20]."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.campaign.campaign import Campaign
from tests.campaign.jobs import JOBS


def main() -> int:
    """Report kills and problems by verb; 1 when there was a problem."""
    parser = argparse.ArgumentParser(prog="python -m tests.campaign", description=__doc__)
    parser.add_argument("--kills", type=int, default=500, help="stop after so many; default: 500")
    parser.add_argument("--seed", type=int, default=1, help="decides where the kills fall; default: 1")
    parser.add_argument("--minutes", type=float, default=120, help="stop after this time at the latest; default: 120")
    arguments = parser.parse_args()
    kills: Counter[str] = Counter()
    troubled: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        campaign = Campaign(Path(folder), arguments.seed)
        for trial in campaign.trials(arguments.kills, time.monotonic() + 60 * arguments.minutes):
            kills[trial.job.name] += len(trial.kills)
            troubled[trial.job.name] += bool(trial.problems)
            refused[trial.job.name] += trial.refused is not None
            if trial.problems or trial.refused:
                sys.stdout.write(f"{trial.job.name}, killed {' and '.join(trial.kills) or 'never'}: {trial.refused}\n")
                sys.stdout.writelines(f"  {problem}\n" for problem in trial.problems)
                sys.stdout.flush()
    for job in JOBS:
        sys.stdout.write(_line(f"{job.name:20}", kills[job.name], troubled[job.name], refused[job.name]))
    sys.stdout.write(_line(f"seed {arguments.seed:<15}", kills.total(), troubled.total(), refused.total()))
    return 1 if troubled.total() or refused.total() else 0


def _line(name: str, kills: int, troubled: int, refused: int) -> str:
    return f"{name} {kills:5} kills, {troubled} copies differ, {refused} refuse to go on\n"


if __name__ == "__main__":
    raise SystemExit(main())
