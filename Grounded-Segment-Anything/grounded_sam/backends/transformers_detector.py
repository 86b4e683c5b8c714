"""GroundingDINO and MM-GroundingDINO as transformers runs them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional

from a2lc.classes import ClassSet
from grounded_sam.backends.checkpoints import LoadedModel, load_model
from grounded_sam.backends.settings import DetectorSettings
from grounded_sam.detections import Detections, FilterSettings
from grounded_sam.prompts import Gate, Policy, classify, make_prompts

_STRIDE = 8  # pixels per position of the finest features


class TransformersDetector:
    """A text-prompted detector behind the `Detector` protocol."""

    def __init__(
        self, loaded: LoadedModel, settings: DetectorSettings, classes: ClassSet, threshold: float, device: torch.device
    ) -> None:
        """Put a model on its device and write its prompts.

        Args:
            loaded: Model, processor and tokenizer.
            settings: How the model runs.
            classes: What to look for.
            threshold: Boxes whose score is not above it are left out.
            device: Where the model runs.

        Raises:
            InputError: When the classes cannot be asked for.
        """
        self._policy: Policy = "last" if settings.reference_compat else "position"
        self._gate: Gate = "all" if settings.reference_compat else "class"
        self._prompts = make_prompts(
            classes, loaded.processor.tokenizer, loaded.model.config.max_text_len, self._policy
        )
        self._num_classes = len(classes)
        self._model: Any = loaded.model.to(device)
        self._processor = loaded.processor
        self._origin = loaded.origin
        self._settings = settings
        self._threshold = threshold
        self._device = device

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[Detections]:
        """See `Detector.detect`. Boxes of several prompts follow one another in the order of the prompts."""
        pixels = self._pixels(images)
        found = [self._answer(index, pixels, images) for index in range(len(self._prompts))]
        return [_joined(parts) for parts in zip(*found, strict=True)]

    def describe(self) -> dict[str, Any]:
        """See `Detector.describe`."""
        return {
            **self._origin.describe(),
            "prompts": [prompt.caption for prompt in self._prompts],
            "token_policy": self._policy,
            "gate": self._gate,
            "kept_above": self._threshold,
            "shortest_edge": self._settings.shortest_edge,
            "longest_edge": self._settings.longest_edge,
            "precision": self._settings.precision,
        }

    def _pixels(self, images: Sequence[NDArray[np.uint8]]) -> dict[str, Tensor]:
        """Resized and normalised images, (B, 3, h, w), and which pixels are theirs, (B, h, w), on the device."""
        resized = [_resized(image, self._settings) for image in images]
        encoded = self._processor.image_processor(
            resized, do_resize=False, input_data_format="channels_last", return_tensors="pt"
        )
        height, width = encoded["pixel_mask"].shape[-2:]
        missing = _missing_rows(height, width, self._model.config.num_queries)
        names = ("pixel_values", "pixel_mask")
        return {name: functional.pad(encoded[name], (0, 0, 0, missing)).to(self._device) for name in names}

    @torch.inference_mode()
    def _answer(self, index: int, pixels: dict[str, Tensor], images: Sequence[NDArray[np.uint8]]) -> list[Detections]:
        """Ask one prompt about all images."""
        prompt = self._prompts[index]
        text = self._processor.tokenizer([prompt.caption] * len(images), return_tensors="pt").to(self._device)
        precision = getattr(torch, self._settings.precision)
        with torch.autocast(self._device.type, precision, enabled=precision != torch.float32):
            output = self._model(**pixels, **text)
        detections = []
        for image, logits, boxes in zip(images, output.logits, output.pred_boxes, strict=True):
            classes, _, scores = classify(logits, prompt, self._num_classes, self._gate)
            keep = scores > self._threshold
            corners = _corners(boxes[keep].float(), image.shape[1], image.shape[0])
            arrays = corners, classes[keep], scores[keep]
            detections.append(Detections(*(array.cpu().numpy() for array in arrays)))
        return detections


def size_seen(height: int, width: int, shortest_edge: int, longest_edge: int) -> tuple[int, int]:
    """Height and width at which a detector sees an image, by the rule of the research code.

    Where the longest edge decides, transformers cuts that edge to the limit. Here the shorter edge is rounded to whole
    pixels first and the longer one follows from it, so it may miss the limit by a few pixels.

    Args:
        height: Height of the image in pixels.
        width: Its width.
        shortest_edge: Wanted pixels of the shorter edge.
        longest_edge: Pixels of the longer edge above which the image is made smaller.
    """
    short, long = sorted((height, width))
    edge = shortest_edge
    if long / short * edge > longest_edge:
        edge = max(1, round(longest_edge * short / long))
    other = int(edge * long / short)
    return (other, edge) if height > width else (edge, other)


def _resized(image: NDArray[np.uint8], settings: DetectorSettings) -> NDArray[np.uint8]:
    """The image as large as the detector sees it."""
    tall, wide = image.shape[:2]
    height, width = size_seen(tall, wide, settings.shortest_edge, settings.longest_edge)
    return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR))


def _missing_rows(height: int, width: int, queries: int) -> int:
    """Rows to add to a narrow image: the model chooses its queries among its features and fails if they are fewer."""
    columns = -(-width // _STRIDE)
    rows = -(-queries // columns)
    return max(0, rows * _STRIDE - height)


def _corners(boxes: Tensor, width: int, height: int) -> Tensor:
    """From centre and size in shares of the image, (N, 4), to x0, y0, x1, y1 in pixels."""
    centre, size = (boxes * boxes.new_tensor([width, height, width, height])).split(2, dim=-1)
    return torch.cat([centre - size / 2, centre + size / 2], dim=-1)


def _joined(parts: Sequence[Detections]) -> Detections:
    """The detections of several prompts, one after the other."""
    return Detections(
        np.concatenate([part.boxes for part in parts]),
        np.concatenate([part.classes for part in parts]),
        np.concatenate([part.scores for part in parts]),
    )


def open_detector(
    settings: DetectorSettings, classes: ClassSet, filters: FilterSettings, device: torch.device
) -> TransformersDetector:
    """Load a detector; see `grounded_sam.backends.open_detector`."""
    loaded = load_model(settings.model, "detector")
    return TransformersDetector(loaded, settings, classes, filters.lowest_threshold, device)
