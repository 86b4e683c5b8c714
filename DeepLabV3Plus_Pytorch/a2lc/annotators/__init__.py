"""Who answers: the simulated annotator, or people through a file."""

from typing import TYPE_CHECKING

from a2lc.foundation.lazy import lazily

if TYPE_CHECKING:
    from a2lc.annotators.answers import AnswersAnnotator
    from a2lc.annotators.base import Annotator, Query
    from a2lc.annotators.ground_truth import GroundTruthAnnotator
    from a2lc.annotators.queue import read_queue
    from a2lc.annotators.settings import AnnotatorSettings
else:
    __getattr__, __dir__ = lazily(__name__)

__all__ = ["Annotator", "AnnotatorSettings", "AnswersAnnotator", "GroundTruthAnnotator", "Query", "read_queue"]
