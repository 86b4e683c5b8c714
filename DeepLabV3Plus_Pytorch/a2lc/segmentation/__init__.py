"""DeepLabV3+ on a timm backbone: the network, its training and its predictions."""

from typing import TYPE_CHECKING

from a2lc.foundation.lazy import lazily

if TYPE_CHECKING:
    from a2lc.segmentation.backbones import normalisation_advice
    from a2lc.segmentation.cached_features import NATIVE, CachedFeatures, FeatureView, open_features, training_views
    from a2lc.segmentation.decoded import decode_once
    from a2lc.segmentation.feature_pass import compute_features
    from a2lc.segmentation.features import Features
    from a2lc.segmentation.inference import ScoringNetwork
    from a2lc.segmentation.network import DeepLabV3Plus, build_network
    from a2lc.segmentation.objectives import OBJECTIVES, Objective, make_objective
    from a2lc.segmentation.prediction import evaluate_network, load_weights, predict, predict_batches, predict_views
    from a2lc.segmentation.settings import NetworkSettings, ScoringSettings, TrainingSettings, ViewName
    from a2lc.segmentation.training import Progress, TrainingResult, train
    from a2lc.segmentation.views import NativeView, PaddedView, SquashedView, View, make_view
else:
    __getattr__, __dir__ = lazily(__name__)

__all__ = [
    "NATIVE",
    "OBJECTIVES",
    "CachedFeatures",
    "DeepLabV3Plus",
    "FeatureView",
    "Features",
    "NativeView",
    "NetworkSettings",
    "Objective",
    "PaddedView",
    "Progress",
    "ScoringNetwork",
    "ScoringSettings",
    "SquashedView",
    "TrainingResult",
    "TrainingSettings",
    "View",
    "ViewName",
    "build_network",
    "compute_features",
    "decode_once",
    "evaluate_network",
    "load_weights",
    "make_objective",
    "make_view",
    "normalisation_advice",
    "open_features",
    "predict",
    "predict_batches",
    "predict_views",
    "train",
    "training_views",
]
