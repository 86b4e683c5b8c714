"""The answer posterior: a model of all answers given so far that relabels every mask and says where to ask next."""

from a2lc.posterior.acquisition import exchange_rate, score_masks
from a2lc.posterior.belief import Belief, one_hot, update_belief
from a2lc.posterior.method import PosteriorModel
from a2lc.posterior.pool import MaskPool
from a2lc.posterior.settings import PosteriorSettings
from a2lc.posterior.shapes import ImageMasks, describe_masks

__all__ = [
    "Belief",
    "ImageMasks",
    "MaskPool",
    "PosteriorModel",
    "PosteriorSettings",
    "describe_masks",
    "exchange_rate",
    "one_hot",
    "score_masks",
    "update_belief",
]
