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
    with tempfile.TemporaryDirectory() as folder:
        campaign = Campaign(Path(folder), arguments.seed)
        for trial in campaign.trials(arguments.kills, time.monotonic() + 60 * arguments.minutes):
            kills[trial.job.name] += len(trial.kills)
            troubled[trial.job.name] += bool(trial.problems)
            if trial.problems:
                sys.stdout.write(f"{trial.job.name}, killed {' and '.join(trial.kills) or 'never'}:\n")
                sys.stdout.writelines(f"  {problem}\n" for problem in trial.problems)
                sys.stdout.flush()
    for job in JOBS:
        sys.stdout.write(f"{job.name:20} {kills[job.name]:5} kills, {troubled[job.name]} copies with a problem\n")
    sys.stdout.write(f"{kills.total()} kills, {troubled.total()} copies with a problem, seed {arguments.seed}\n")
    return 1 if troubled.total() else 0


if __name__ == "__main__":
    raise SystemExit(main())
