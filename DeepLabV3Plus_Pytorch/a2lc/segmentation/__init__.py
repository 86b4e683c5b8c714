"""DeepLabV3+ on any convolutional timm backbone: the network, its training and its predictions."""

from a2lc.segmentation.network import DeepLabV3Plus, build_network
from a2lc.segmentation.prediction import evaluate_network, load_weights, predict
from a2lc.segmentation.settings import NetworkSettings, TrainingSettings
from a2lc.segmentation.training import TrainingResult, train

__all__ = [
    "DeepLabV3Plus",
    "NetworkSettings",
    "TrainingResult",
    "TrainingSettings",
    "build_network",
    "evaluate_network",
    "load_weights",
    "predict",
    "train",
]
