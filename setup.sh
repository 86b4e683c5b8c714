# Sourced by every script of this repository: makes the command `a2lc` available.
#
# An active environment that has a2lc (conda, or a virtual environment of your own) is used as it is.
# Otherwise .venv in the repository root is made on the first call and reused afterwards.
# A2LC_EXTRAS (for example "dev") names optional dependencies to install as well, A2LC_TOOLS modules of theirs that an
# active environment must have.

A2LC_ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"

_a2lc_fail() { printf 'a2lc: %s\n' "$1" >&2; exit 1; }

_a2lc_find_python() {
    local candidate
    for candidate in "${PYTHON:-}" python3 python3.14 python3.13 python3.12 python3.11 python; do
        [ -n "$candidate" ] && "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
            && { command -v "$candidate"; return; }
    done
    return 1
}

# pip installs both packages named opencv without a word; whichever comes last overwrites the other one's folder cv2
_a2lc_check_extras() {
    local extras="${A2LC_EXTRAS:-}"
    extras=",${extras//[[:space:]]/},"
    if [[ "$extras" = *,reference,* && "$extras" = *,seeds,* ]]; then
        _a2lc_fail "A2LC_EXTRAS names reference and seeds, whose packages opencv-python and \
opencv-contrib-python-headless overwrite each other: take one of them, and a second environment for the other"
    fi
}

_a2lc_make_venv() {
    local python venv="$A2LC_ROOT/.venv" stamp wanted
    _a2lc_check_extras
    wanted="$(cksum < "$A2LC_ROOT/pyproject.toml") ${A2LC_EXTRAS:-}"
    stamp="$venv/a2lc-installed"
    if [ ! -f "$stamp" ] || [ "$(cat "$stamp")" != "$wanted" ]; then
        python="$(_a2lc_find_python)" || _a2lc_fail "Python 3.11 or newer is needed: install it, or set PYTHON to its path"
        "$python" -c 'import ensurepip, venv' 2>/dev/null \
            || _a2lc_fail "this Python cannot make virtual environments: install the package python3-venv"
        echo "a2lc: installing into $venv (once; PyTorch is large)" >&2
        "$python" -m venv "$venv" || _a2lc_fail "$venv could not be made"
        "$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
            --editable "$A2LC_ROOT${A2LC_EXTRAS:+[$A2LC_EXTRAS]}" || _a2lc_fail "the installation failed, see above"
        printf '%s' "$wanted" > "$stamp"
    fi
    PATH="$venv/bin:$PATH"
    export PATH
}

# idle threads sleep soon: other programs on this machine need the cores, too (benchmarks/neighbour.py)
[ -n "${OMP_WAIT_POLICY:-}" ] || export GOMP_SPINCOUNT="${GOMP_SPINCOUNT:-1000}"

if ! command -v a2lc >/dev/null || ! python -c "import a2lc${A2LC_TOOLS:+, $A2LC_TOOLS}" 2>/dev/null; then
    _a2lc_make_venv
fi
