"""Who answers: the simulated annotator, or people, whose single answers an inbox keeps."""

from a2lc.annotators.answers import AnswersAnnotator
from a2lc.annotators.base import Annotator, Query
from a2lc.annotators.context import AnnotatorContext
from a2lc.annotators.ground_truth import GroundTruthAnnotator
from a2lc.annotators.inbox import Answer, Inbox, Question
from a2lc.annotators.queue import read_queue
from a2lc.annotators.registry import ANNOTATORS, AnnotatorEntry
from a2lc.annotators.settings import AnnotatorSettings

__all__ = [
    "ANNOTATORS",
    "Annotator",
    "AnnotatorContext",
    "AnnotatorEntry",
    "AnnotatorSettings",
    "Answer",
    "AnswersAnnotator",
    "GroundTruthAnnotator",
    "Inbox",
    "Query",
    "Question",
    "read_queue",
]
