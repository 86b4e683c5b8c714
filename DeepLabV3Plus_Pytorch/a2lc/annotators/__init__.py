"""Who answers: the simulated annotator, or people through a file."""

from a2lc.annotators.answers import AnswersAnnotator
from a2lc.annotators.base import Annotator, Query
from a2lc.annotators.ground_truth import GroundTruthAnnotator
from a2lc.annotators.queue import read_queue
from a2lc.annotators.settings import AnnotatorSettings

__all__ = ["Annotator", "AnnotatorSettings", "AnswersAnnotator", "GroundTruthAnnotator", "Query", "read_queue"]
