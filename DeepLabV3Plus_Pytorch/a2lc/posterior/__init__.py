"""The answer posterior: a model of all answers given so far that relabels every mask and says where to ask next."""

from typing import TYPE_CHECKING

from a2lc.foundation.lazy import lazily

if TYPE_CHECKING:
    from a2lc.posterior.acquisition import exchange_rate, score_masks
    from a2lc.posterior.belief import Belief, one_hot, update_belief
    from a2lc.posterior.method import PosteriorModel
    from a2lc.posterior.pool import MaskPool
    from a2lc.posterior.settings import PosteriorSettings
    from a2lc.posterior.shapes import ImageMasks, describe_masks
else:
    __getattr__, __dir__ = lazily(__name__)

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
