"""Acquisition: scores of masks, class weights, and the selection of the masks to ask about."""

from a2lc.acquisition.class_weights import adaptive_class_weights, class_imbalance, pool_weights
from a2lc.acquisition.functions import ACQUISITIONS, Acquisition, AcquisitionContext
from a2lc.acquisition.selection import MaskScores, score_masks, select_masks
from a2lc.acquisition.settings import AcquisitionSettings

__all__ = [
    "ACQUISITIONS",
    "Acquisition",
    "AcquisitionContext",
    "AcquisitionSettings",
    "MaskScores",
    "adaptive_class_weights",
    "class_imbalance",
    "pool_weights",
    "score_masks",
    "select_masks",
]
