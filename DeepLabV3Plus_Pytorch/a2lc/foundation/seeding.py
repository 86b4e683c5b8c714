"""Random numbers as a function of (seed, round, stage, step, item), never of a generator's history.

A run that was killed and resumed draws the same numbers as one left alone, in any order and in any worker process.
"""

from __future__ import annotations

import hashlib

import numpy as np


def seed_of(*keys: int | str) -> int:
    """Hash the keys to a seed in [0, 2**63): equal keys give equal seeds, on every machine."""
    digest = hashlib.blake2b("\x1f".join(f"{type(key).__name__}:{key}" for key in keys).encode(), digest_size=8)
    return int.from_bytes(digest.digest(), "big") >> 1


def generator(*keys: int | str) -> np.random.Generator:
    """Return a fresh NumPy generator for these keys."""
    return np.random.default_rng(seed_of(*keys))
