"""How threads wait for each other on a machine that others use too."""

from __future__ import annotations

import os
from collections.abc import MutableMapping

# found by benchmarks/neighbour.py: little lost on idle cores, much won beside others
_SPIN = ("GOMP_SPINCOUNT", "1000")
_SPOKEN_FOR = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")


def spin_briefly(environment: MutableMapping[str, str] = os.environ) -> None:
    """Let idle threads of GNU's OpenMP, PyTorch's on Linux, sleep soon instead of spinning for a core.

    Beside one busy program on two cores a training step is up to ten times slower without it. Must be called before
    PyTorch is loaded, and reaches the processes started later. What the user set wins; other OpenMP runtimes do not
    read the variable.

    Args:
        environment: Where the variable is set.
    """
    if not any(name in environment for name in _SPOKEN_FOR):
        environment.setdefault(*_SPIN)
