"""Acquisition: what may be asked about, scores, class weights, and the selection of the best."""

from typing import TYPE_CHECKING

from a2lc.foundation.lazy import lazily

if TYPE_CHECKING:
    from a2lc.acquisition.candidates import Candidates, MaskScores
    from a2lc.acquisition.class_weights import adaptive_class_weights, class_imbalance, pool_weights
    from a2lc.acquisition.functions import Acquisition, AcquisitionContext
    from a2lc.acquisition.registry import ACQUISITIONS
    from a2lc.acquisition.scoring import score_candidates, score_masks
    from a2lc.acquisition.selection import select_masks
    from a2lc.acquisition.settings import AcquisitionSettings
else:
    __getattr__, __dir__ = lazily(__name__)

__all__ = [
    "ACQUISITIONS",
    "Acquisition",
    "AcquisitionContext",
    "AcquisitionSettings",
    "Candidates",
    "MaskScores",
    "adaptive_class_weights",
    "class_imbalance",
    "pool_weights",
    "score_candidates",
    "score_masks",
    "select_masks",
]
