"""Reporting: one table of numbers per seed, a summary over the seeds, and figures; all read from the tables alone."""

from typing import TYPE_CHECKING

from a2lc.foundation.lazy import lazily

if TYPE_CHECKING:
    from a2lc.reporting.contrast import contrast
    from a2lc.reporting.figures import plot_miou
    from a2lc.reporting.markdown import markdown_table, spread
    from a2lc.reporting.summary import Published, summarise
    from a2lc.reporting.tables import Results, Row, read_results, read_seed_csv, write_seed_csv
    from a2lc.reporting.tensorboard import Example, TrainingLog, training_log
else:
    __getattr__, __dir__ = lazily(__name__)

__all__ = [
    "Example",
    "Published",
    "Results",
    "Row",
    "TrainingLog",
    "contrast",
    "markdown_table",
    "plot_miou",
    "read_results",
    "read_seed_csv",
    "spread",
    "summarise",
    "training_log",
    "write_seed_csv",
]
