"""Metric columns: what is measured of a finished round, each with its name, unit and meaning, and nowhere else.

metrics.json, the tables of the seeds, the summary, the figures and docs/columns.md take names, units, headings and
order from the registry `COLUMNS`. A new column is a module that registers one when it is imported; a package that
announces such a module as an entry point of the group `a2lc.columns` needs no more than to be installed.
"""

from a2lc.evaluation.columns.classes import CLASSES
from a2lc.evaluation.columns.column import (
    COLUMNS,
    ClassColumn,
    Column,
    EffortColumn,
    MetricColumn,
    QualityColumn,
    Value,
    all_columns,
    current_names,
    describe_columns,
    measure,
)
from a2lc.evaluation.columns.corrections import CORRECTIONS
from a2lc.evaluation.columns.effort import EFFORT
from a2lc.evaluation.columns.finished import FinishedRound
from a2lc.evaluation.columns.labels import LABELS
from a2lc.evaluation.columns.network import NETWORK
from a2lc.evaluation.columns.stages import STAGES

for _column in (*EFFORT, *LABELS, *NETWORK, *CORRECTIONS, *CLASSES, *STAGES):  # the order of the tables
    COLUMNS.register(_column.name, _column)

__all__ = [
    "COLUMNS",
    "STAGES",
    "ClassColumn",
    "Column",
    "EffortColumn",
    "FinishedRound",
    "MetricColumn",
    "QualityColumn",
    "Value",
    "all_columns",
    "current_names",
    "describe_columns",
    "measure",
]
