"""The stages of a run: start, then in every round train, score, annotate, propagate, evaluate; each is done once.

A stage is finished when its output was renamed into place (files) or committed (ledger).
"""

from a2lc.stages.correction import annotate, propagate, select_queries
from a2lc.stages.evaluation import evaluate, summary_line
from a2lc.stages.scoring import score
from a2lc.stages.start import start
from a2lc.stages.training import train_network

__all__ = ["annotate", "evaluate", "propagate", "score", "select_queries", "start", "summary_line", "train_network"]
