"""Measurements: `python -m benchmarks` prints the performance table; each module says what it measures."""

from a2lc.foundation.threads import spin_briefly

spin_briefly()  # before PyTorch is loaded
