"""The backbones of DeepLabV3+: timm models, each by the first way that gets features of the strides needed from it."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import timm
import torch
from torch import Tensor, nn

from a2lc.foundation.errors import InputError
from a2lc.segmentation.pyramid import BlockPyramid, Pyramid, StagePyramid
from a2lc.segmentation.settings import NetworkSettings, TrainingSettings
from a2lc.segmentation.weights import copy_weights, read_weights

LOW_LEVEL_STRIDE = 4
# how families of models are asked to take images of any size; the last take them anyway
_ANY_SIZE: tuple[dict[str, Any], ...] = ({"strict_img_size": False}, {"dynamic_img_size": True}, {})


@dataclass(frozen=True)
class Backbone:
    """A backbone that fits.

    Attributes:
        module: From images (N, 3, H, W) to a list of features, with timm's `feature_info`: the first map of stride 4
            or more is the lower one, the last one has the output stride.
        model: What of it receives the weights of a timm checkpoint.
    """

    module: nn.Module
    model: nn.Module


class Extraction(Protocol):
    """A way to get features of two strides from timm models."""

    @property
    def families(self) -> tuple[str, ...]:
        """Models that it suits, for whoever chose one that no extraction suits."""

    def __call__(self, name: str, output_stride: int, pretrained: bool) -> Backbone | None:
        """Build the model `name`, with timm's weights or random ones; None, or any error, if it does not suit."""


class Dilated:
    """Convolutional networks that keep their resolution from the output stride on, by dilation; `module` is timm's."""

    families = ("ResNet", "MobileNet", "EfficientNet", "ConvNeXt")

    def __call__(self, name: str, output_stride: int, pretrained: bool) -> Backbone | None:
        """See `Extraction`."""
        module: Any = timm.create_model(name, features_only=True, output_stride=output_stride, pretrained=pretrained)
        strides = module.feature_info.reduction()
        fits = LOW_LEVEL_STRIDE in strides and strides[-1] == output_stride
        return Backbone(module, module) if fits else None


class Staged:
    """Models whose stages get coarser and cannot be dilated: the deepest features are interpolated."""

    families = ("HRNet", "Swin")

    def __call__(self, name: str, output_stride: int, pretrained: bool) -> Backbone | None:
        """See `Extraction`."""
        model = _of_any_size(name, features_only=True, pretrained=pretrained)
        strides = model.feature_info.reduction()
        if not LOW_LEVEL_STRIDE <= strides[-2] < strides[-1]:
            return None
        return _tried(StagePyramid(model, output_stride, LOW_LEVEL_STRIDE))


class Plain:
    """Transformers whose blocks all see the same patches: features after some of the blocks are interpolated."""

    families = ("ViT (DINOv2, DINOv3, SigLIP)",)

    def __call__(self, name: str, output_stride: int, pretrained: bool) -> Backbone | None:
        """See `Extraction`."""
        model = _of_any_size(name, num_classes=0, pretrained=pretrained)
        strides = {block["reduction"] for block in model.feature_info}
        return _tried(BlockPyramid(model, output_stride)) if len(strides) == 1 else None


EXTRACTIONS: tuple[Extraction, ...] = (Dilated(), Staged(), Plain())


def build_backbone(settings: NetworkSettings) -> nn.Module:
    """Build the backbone on the CPU, with the weights that the settings name.

    Raises:
        InputError: When timm does not have it, it has not the features needed, or its weights cannot be had.
    """
    name = settings.backbone
    weights = settings.backbone_weights
    known = {*timm.list_models(), *timm.list_pretrained()}
    if name not in known:
        nearest = " or ".join(difflib.get_close_matches(name, sorted(known), n=3)) or "one of timm.list_models()"
        raise InputError(f"network.backbone is '{name}', which timm does not have: did you mean {nearest}?")
    extraction, backbone = _random_backbone(name, settings.output_stride)
    if weights == "none":
        return backbone.module
    if weights == "imagenet":
        return _downloaded_backbone(extraction, name, settings.output_stride)
    if not Path(weights).is_file():
        raise InputError(f"network.backbone_weights is '{weights}': expected imagenet, none or an existing file")
    _fill(backbone.model, name, Path(weights))
    return backbone.module


def normalisation_advice(network: NetworkSettings, training: TrainingSettings) -> str | None:
    """A sentence for whoever normalises images otherwise than those that the backbone's weights were made from.

    Returns:
        What to set, or None where nothing has to be: where the values are timm's, or the weights random.
    """
    known = None if network.backbone_weights == "none" else timm.get_pretrained_cfg(network.backbone)
    if known is None or (known.mean, known.std) == (training.mean, training.std):
        return None
    mean, std = (",".join(f"{value:g}" for value in values) for values in (known.mean, known.std))
    return (
        f"the weights of {network.backbone} were made from images normalised in another way: "
        f"training.mean=[{mean}] training.std=[{std}] would be theirs"
    )


def _random_backbone(name: str, output_stride: int) -> tuple[Extraction, Backbone]:
    """The first extraction that suits, and its backbone with random weights."""
    for extraction in EXTRACTIONS:
        try:
            backbone = extraction(name, output_stride, False)
        except Exception:  # each family of models refuses in its own way
            continue
        if backbone is not None:
            return extraction, backbone
    *families, last = [family for extraction in EXTRACTIONS for family in extraction.families]
    raise InputError(
        f"network.backbone '{name}' does not give features at stride {LOW_LEVEL_STRIDE} and {output_stride}, as "
        f"DeepLabV3+ needs them: choose a {', '.join(families)} or {last}"
    )


def _downloaded_backbone(extraction: Extraction, name: str, output_stride: int) -> nn.Module:
    try:
        backbone = extraction(name, output_stride, True)
    except Exception as error:  # whatever the network, the hub or its client raise
        raise InputError(
            f"the ImageNet weights of '{name}' could not be downloaded ({str(error).splitlines()[0]}): set "
            "network.backbone_weights to a .safetensors or .pth file, or to none for random weights"
        ) from error
    assert backbone is not None  # it suited with random weights
    return backbone.module


def _fill(model: nn.Module, name: str, path: Path) -> None:
    """Copy weights from a file; where they do not fit as they are, as timm adapts them.

    That are the names of the original authors, and position embeddings for images of another size.
    """
    weights = read_weights(path)
    with torch.device("meta"):
        whole_model = timm.create_model(name)
    unused = whole_model.state_dict()
    try:
        copy_weights(model, weights, str(path), unused)
    except InputError as refusal:
        try:
            copy_weights(model, _adaptation(name)(weights, whole_model), str(path), unused)
        except Exception:  # weights of another model puzzle timm in many ways
            raise refusal from None


def _adaptation(name: str) -> Callable[[dict[str, Tensor], nn.Module], dict[str, Tensor]]:
    """What timm does with a checkpoint before it loads it; by its convention, a function beside the model."""
    module = sys.modules[timm.models.model_entrypoint(name.split(".")[0]).__module__]
    adaptation: Any = getattr(module, "checkpoint_filter_fn", lambda weights, _: weights)
    return adaptation


def _of_any_size(name: str, **arguments: Any) -> Any:
    """A timm model, made in the first of the ways to take images of any size that it knows."""
    refused: list[Exception] = []
    for option in _ANY_SIZE:
        try:
            return timm.create_model(name, **arguments, **option)
        except TypeError as error:  # an unknown argument
            refused.append(error)
    raise refused[-1]


def _tried(pyramid: Pyramid) -> Backbone:
    """A pyramid that has seen an image of a size which it was not made for.

    What of its weights the features do not depend on is frozen: processes that train together wait for the gradient of
    everything else.
    """
    height, width = 3 * pyramid.step, 5 * pyramid.step  # primes: no window of an attention divides them
    levels = pyramid.eval().levels(torch.zeros(1, 3, height, width))
    promised = [
        (1, channels, height / stride, width / stride)
        for channels, stride in zip(pyramid.feature_info.channels(), pyramid.strides, strict=True)
    ]
    if [tuple(level.shape) for level in levels] != promised:
        raise ValueError(f"features of shapes {promised} were promised")
    used = {id(parameter) for parameter in _ancestors(sum(level.sum() for level in levels))}
    for parameter in pyramid.parameters():
        parameter.requires_grad_(id(parameter) in used)
    return Backbone(pyramid.train(), pyramid.model)


def _ancestors(result: Any) -> Iterator[Tensor]:
    """The parameters from which a result was computed."""
    seen = set()
    waiting = [result.grad_fn]
    while waiting:
        step = waiting.pop()
        if step is None or step in seen:
            continue
        seen.add(step)
        waiting.extend(before for before, _ in step.next_functions)
        if hasattr(step, "variable"):
            yield step.variable
