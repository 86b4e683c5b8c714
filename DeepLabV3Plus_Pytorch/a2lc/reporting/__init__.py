"""Reporting: one table of numbers per seed, a summary over the seeds, and figures; all read from the tables alone."""

from a2lc.reporting.figures import plot_miou
from a2lc.reporting.tables import Results, Row, read_results, read_seed_csv, summarise, write_seed_csv

__all__ = ["Results", "Row", "plot_miou", "read_results", "read_seed_csv", "summarise", "write_seed_csv"]
