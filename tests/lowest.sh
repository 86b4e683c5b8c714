#!/usr/bin/env bash
# The tests with the lowest versions that pyproject.toml allows, on Python 3.11. Usage: bash tests/lowest.sh [pytest arguments]
# Needs uv (pip install uv) and 7 GB: makes .venv-lowest, or the folder that A2LC_LOWEST names.
# Lint and types are left out: they are judged with the newest versions, which know more types.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
command -v uv >/dev/null || { echo "a2lc: uv is needed, which finds the lowest versions: pip install uv" >&2; exit 1; }
venv="${A2LC_LOWEST:-$PWD/.venv-lowest}"
export GOMP_SPINCOUNT="${GOMP_SPINCOUNT:-1000}"  # as in setup.sh

[ -d "$venv" ] || uv venv --quiet --python 3.11 "$venv"
export VIRTUAL_ENV="$venv"
# pinned first: what is installed already would be kept as long as it is not too low
uv pip compile --quiet --resolution lowest-direct --python-version 3.11 --extra dev --extra reference pyproject.toml \
    --output-file "$venv/lowest.txt" >/dev/null
uv pip sync --quiet "$venv/lowest.txt"
uv pip install --quiet --no-deps --editable . pip  # pip: a test installs with it, and sync took it away

export PATH="$venv/bin:$PATH"
python -m pytest "$@"
