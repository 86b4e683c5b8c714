"""Measurements: `python -m benchmarks` prints the performance table; each module says what it measures."""
