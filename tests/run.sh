#!/usr/bin/env bash
# Lint, types and tests. Usage: bash tests/run.sh [--quick] [pytest arguments]
#   --quick  no test marked slow
#   -n N     N processes instead of one per core; -n 0 none beside this one
# Tests on real data look for it in $A2LC_SHARED and are skipped where it is unset.
set -euo pipefail
A2LC_EXTRAS=dev,reference
A2LC_TOOLS="cleanlab, groundingdino, hypothesis, mypy, numba, pytest, ruff, segment_anything, skimage, submitit, tensorboard, xdist"
source "$(dirname "${BASH_SOURCE[0]}")/../setup.sh"
cd "$A2LC_ROOT"

chosen=()
for argument in "$@"; do
    if [ "$argument" = --quick ]; then
        chosen+=(-m "not slow")
    else
        chosen+=("$argument")
    fi
done

python -m ruff check .
python -m ruff format --check .
python -m mypy
python -m pytest -n auto --dist loadgroup "${chosen[@]}"
