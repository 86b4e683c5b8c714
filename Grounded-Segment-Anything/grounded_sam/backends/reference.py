"""The backend `reference`: GroundingDINO and SAM as the research code runs them, by its two packages.

`pip install 'a2lc[reference]'` brings the packages. Weights are the official .pth files; nothing is downloaded.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.nn.functional import pad
from torchvision.ops import box_convert
from torchvision.transforms.functional import normalize, to_tensor

from a2lc.classes import ClassSet
from a2lc.foundation.errors import InputError
from grounded_sam.backends.checkpoints import load_tokenizer, read_official, sha256_of
from grounded_sam.backends.key_maps import convert_detector, convert_segmenter
from grounded_sam.backends.models import Task
from grounded_sam.backends.official import detector_config, segmenter_config
from grounded_sam.backends.reference_detector import UNUSED, build_detector
from grounded_sam.backends.reference_segmenter import build_segmenter
from grounded_sam.backends.settings import DetectorSettings, Precision, SegmenterSettings
from grounded_sam.backends.transformers_segmenter import boxes_that_fit
from grounded_sam.detections import Detections, FilterSettings
from grounded_sam.prompts import Gate, Policy, Prompt, classify, make_prompts

# of ImageNet, per channel in [0, 1]
_MEAN = (0.485, 0.456, 0.406)
_DEVIATION = (0.229, 0.224, 0.225)
_STRIDE = 8  # pixels per position of the finest features
_SHOWN = 3  # names in a message
_DETECTOR_FILE = (
    "groundingdino_swint_ogc.pth from https://github.com/IDEA-Research/GroundingDINO/releases/download/v0.1.0-alpha/"
)
_SEGMENTER_FILE = "sam_vit_h_4b8939.pth from https://dl.fbaipublicfiles.com/segment_anything/"


@dataclass(frozen=True)
class Source:
    """The file that a model's weights are from.

    Attributes:
        path: The file.
        sha256: Its hash, hexadecimal.
        official: Which file it should be, and where that is to be had.
    """

    path: Path
    sha256: str
    official: str

    def misfit(self, reason: str) -> InputError:
        """The error that says why these weights are not those of the model."""
        return InputError(f"{self.path} belongs to another model ({reason}): fetch {self.official}")

    def describe(self, precision: Precision) -> dict[str, Any]:
        """What manifest.json records of a model with these weights."""
        return {"backend": "reference", "weights": [self.sha256], "precision": precision}


class ReferenceDetector:
    """GroundingDINO of groundingdino-py behind the `Detector` protocol."""

    def __init__(
        self,
        model: Any,
        source: Source,
        settings: DetectorSettings,
        classes: ClassSet,
        threshold: float,
        device: torch.device,
    ) -> None:
        """Put a model on its device and write its prompts.

        Args:
            model: As `build_detector` makes it.
            source: Where its weights are from.
            settings: How it runs.
            classes: What to look for.
            threshold: Boxes whose score is not above it are left out.
            device: Where the model runs.

        Raises:
            InputError: When the classes cannot be asked for.
        """
        self._policy: Policy = "last" if settings.reference_compat else "position"
        self._gate: Gate = "all" if settings.reference_compat else "class"
        self._prompts = make_prompts(classes, model.tokenizer, model.max_text_len, self._policy)
        self._num_classes = len(classes)
        self._model = model.to(device)
        self._source = source
        self._settings = settings
        self._threshold = threshold
        self._device = device

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[Detections]:
        """See `Detector.detect`. Boxes of several prompts follow one another in the order of the prompts."""
        batch = self._batch(images)
        outputs = [self._answer(prompt, batch) for prompt in self._prompts]
        return [self._detections(index, image.shape[:2], outputs) for index, image in enumerate(images)]

    def describe(self) -> dict[str, Any]:
        """See `Detector.describe`."""
        return {
            **self._source.describe(self._settings.precision),
            "prompts": [prompt.caption for prompt in self._prompts],
            "token_policy": self._policy,
            "gate": self._gate,
            "kept_above": self._threshold,
            "shortest_edge": self._settings.shortest_edge,
            "longest_edge": self._settings.longest_edge,
        }

    def _batch(self, images: Sequence[NDArray[np.uint8]]) -> Any:
        """Resized and normalised images and the mask of their padding, on the device."""
        from groundingdino.util.misc import NestedTensor, nested_tensor_from_tensor_list

        batch = nested_tensor_from_tensor_list([self._prepared(image) for image in images])
        height, width = batch.mask.shape[1:]
        # the model chooses its queries among the positions and fails if they are fewer: a narrow image gets more
        rows = -(-self._model.num_queries // -(-width // _STRIDE))
        missing = (0, 0, 0, max(0, rows * _STRIDE - height))
        return NestedTensor(pad(batch.tensors, missing), pad(batch.mask, missing, value=True)).to(self._device)

    def _prepared(self, image: NDArray[np.uint8]) -> Tensor:
        """An image as the model sees it, (3, h, w) float32; resized by the research code's rule."""
        from groundingdino.datasets.transforms import resize

        edges = self._settings.shortest_edge, self._settings.longest_edge
        resized, _ = resize(Image.fromarray(image), None, *edges)
        return normalize(to_tensor(resized), _MEAN, _DEVIATION)

    @torch.inference_mode()
    def _answer(self, prompt: Prompt, batch: Any) -> tuple[Tensor, Tensor]:
        """Logits (B, Q, T) and boxes (B, Q, 4) for one prompt; boxes as centre and size in shares of the image."""
        with _autocast(self._device, self._settings.precision), warnings.catch_warnings(action="ignore"):
            output = self._model(batch, captions=[prompt.caption] * len(batch.tensors))
        return output["pred_logits"], output["pred_boxes"].float()

    def _detections(self, index: int, size: tuple[int, ...], outputs: Sequence[tuple[Tensor, Tensor]]) -> Detections:
        """What all prompts found in one image of the batch."""
        height, width = size
        found = []
        for prompt, (logits, boxes) in zip(self._prompts, outputs, strict=True):
            classes, _, scores = classify(logits[index], prompt, self._num_classes, self._gate)
            keep = scores > self._threshold
            pixels = boxes[index][keep] * boxes.new_tensor([width, height, width, height])
            found.append((box_convert(pixels, "cxcywh", "xyxy"), classes[keep], scores[keep]))
        return Detections(*(torch.cat(parts).cpu().numpy() for parts in zip(*found, strict=True)))


class ReferenceSegmenter:
    """SAM of segment-anything behind the `Segmenter` protocol."""

    def __init__(self, model: Any, source: Source, settings: SegmenterSettings, device: torch.device) -> None:
        """Put a model on its device.

        Args:
            model: As `build_segmenter` makes it.
            source: Where its weights are from.
            settings: How it runs.
            device: Where it runs.
        """
        from segment_anything import SamPredictor

        self._predictor = SamPredictor(model.to(device))
        self._source = source
        self._settings = settings
        self._device = device

    def segment(self, image: NDArray[np.uint8], boxes: NDArray[np.float32]) -> Iterator[NDArray[np.bool_]]:
        """See `Segmenter.segment`. The image is embedded once; the masks of a few boxes exist at a time."""
        if not len(boxes):
            return  # the package fails on none
        with _autocast(self._device, self._settings.precision):
            self._predictor.set_image(image)
        seen = self._predictor.transform.apply_boxes_torch(torch.tensor(boxes, device=self._device), image.shape[:2])
        at_once = self._settings.boxes_at_once or boxes_that_fit(image.shape[0] * image.shape[1], self._device)
        for chunk in seen.split(at_once):
            yield from self._masks(chunk)

    def describe(self) -> dict[str, Any]:
        """See `Segmenter.describe`."""
        return self._source.describe(self._settings.precision)

    def _masks(self, boxes: Tensor) -> NDArray[np.bool_]:
        """Masks (N, H, W) of boxes (N, 4) in pixels of what the model sees."""
        with _autocast(self._device, self._settings.precision):
            masks, _, _ = self._predictor.predict_torch(None, None, boxes, multimask_output=False)
        found: NDArray[np.bool_] = masks[:, 0].cpu().numpy()
        return found


def _autocast(device: torch.device, precision: Precision) -> torch.autocast:
    return torch.autocast(device.type, getattr(torch, precision), enabled=precision != "float32")


def open_detector(
    settings: DetectorSettings, classes: ClassSet, filters: FilterSettings, device: torch.device
) -> ReferenceDetector:
    """Load a detector from an official .pth file, vocab.txt beside it; see `grounded_sam.backends.open_detector`."""
    source = _source(settings, "detector", _DETECTOR_FILE)
    weights = read_official(source.path)
    config = _config_of(weights, convert_detector, detector_config, source)
    tokenizer = load_tokenizer(source.path.parent)
    with _packages():
        model = build_detector(config, tokenizer)
    load_checked(model, weights, source, UNUSED)
    return ReferenceDetector(model, source, settings, classes, filters.lowest_threshold, device)


def open_segmenter(settings: SegmenterSettings, device: torch.device) -> ReferenceSegmenter:
    """Load a segmenter from an official .pth file; see `grounded_sam.backends.open_segmenter`."""
    source = _source(settings, "segmenter", _SEGMENTER_FILE)
    weights = read_official(source.path)
    config = _config_of(weights, convert_segmenter, segmenter_config, source)
    with _packages():
        model = build_segmenter(config)
    load_checked(model, weights, source)
    return ReferenceSegmenter(model, source, settings, device)


def _source(settings: DetectorSettings | SegmenterSettings, task: Task, official: str) -> Source:
    """The official file that a model is read from. Raises InputError when it is not there."""
    path = Path(settings.model).expanduser()
    if not path.is_file():
        raise InputError(
            f"{task}.model is '{settings.model}', which is no file here: the reference backend takes an official .pth "
            f"file and downloads nothing; fetch {official}, and set {task}.model to its path"
        )
    return Source(path, sha256_of(path), official)


def _config_of(
    weights: Mapping[str, Tensor],
    convert: Callable[[Mapping[str, Tensor]], dict[str, Tensor]],
    read: Callable[[Mapping[str, Tensor]], Any],
    source: Source,
) -> Any:
    """Sizes of the network, as transformers keeps them: read off shapes alone, so that nothing is copied."""
    shapes = {name: tensor.to("meta") for name, tensor in weights.items()}
    try:
        return read(convert(shapes))
    except KeyError as error:
        raise source.misfit(f"it has no weights {error}") from error


@contextmanager
def _packages() -> Iterator[None]:
    """Tell in a sentence that the packages are not installed, or lack something themselves; hush their old style."""
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    except ImportError as error:
        raise InputError(
            f"the reference backend cannot be used ({error}): install its packages with pip install 'a2lc[reference]'"
        ) from error


def load_checked(
    model: nn.Module, weights: Mapping[str, Tensor], source: Source, unused: Collection[str] = frozenset()
) -> None:
    """Copy weights into a model of either package; every tensor must find its place.

    Args:
        model: What receives them.
        weights: State dict of an official checkpoint.
        source: Where they are from, for the message.
        unused: Names that they may hold beyond what the model needs.

    Raises:
        InputError: When a tensor is missing, left over or of another shape.
    """
    try:
        missing, unexpected = model.load_state_dict(weights, strict=False)
    except RuntimeError as error:  # its first line only says that there are errors
        raise source.misfit(str(error).strip().splitlines()[-1].strip()) from error
    kinds = {"missing": missing, "unknown": [name for name in unexpected if name not in unused]}
    problems = [
        f"{len(names)} weights are {kind} ({', '.join(names[:_SHOWN])}{', ...' * (len(names) > _SHOWN)})"
        for kind, names in kinds.items()
        if names
    ]
    if problems:
        raise source.misfit("; ".join(problems))
