"""SAM, SAM-HQ and SAM 2 as transformers runs them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from grounded_sam.backends.checkpoints import LoadedModel, load_model
from grounded_sam.backends.settings import SegmenterSettings

_BOXES_AT_ONCE = 16  # where memory is not measured; more are no faster on a CPU
_MOST_BOXES_AT_ONCE = 128  # more are no faster on a GPU
_BYTES_PER_BOX = 28e6  # measured at the size below
_MEASURED_PIXELS = 1024 * 2048
_SHARE_OF_MEMORY = 0.5  # that the boxes may take
_SIZES = ("original_sizes", "reshaped_input_sizes")  # SAM 2 has no use for the second


class TransformersSegmenter:
    """A box-prompted segmenter behind the `Segmenter` protocol."""

    def __init__(self, loaded: LoadedModel, settings: SegmenterSettings, device: torch.device) -> None:
        """Put a model on its device.

        Args:
            loaded: Model and processor.
            settings: How the model runs.
            device: Where it runs.
        """
        self._model: Any = loaded.model.to(device)
        self._processor = loaded.processor
        self._family = loaded.family
        self._origin = loaded.origin
        self._settings = settings
        self._device = device

    def segment(self, image: NDArray[np.uint8], boxes: NDArray[np.float32]) -> Iterator[NDArray[np.bool_]]:
        """See `Segmenter.segment`. The image is embedded once; the masks of a few boxes exist at a time."""
        if not len(boxes):
            return  # the models fail on none
        encoded = self._processor(
            images=image, input_boxes=[boxes.tolist()], input_data_format="channels_last", return_tensors="pt"
        )
        embeddings = self._embeddings(encoded["pixel_values"])
        sizes = {name: encoded[name] for name in _SIZES if name in encoded}
        at_once = self._settings.boxes_at_once or boxes_that_fit(image.shape[0] * image.shape[1], self._device)
        for chunk in encoded["input_boxes"].float().split(at_once, dim=1):
            yield from self._masks(embeddings, chunk, sizes)

    def describe(self) -> dict[str, Any]:
        """See `Segmenter.describe`."""
        return {**self._origin.describe(), "precision": self._settings.precision}

    # autocast and inference mode end with each method: in a generator they would reach into the caller

    @torch.inference_mode()
    def _embeddings(self, pixels: Tensor) -> dict[str, Any]:
        """What the masks of an image are decoded from, by the names that the model takes."""
        with self._autocast():
            embeddings = self._model.get_image_embeddings(pixels.to(self._device))
        names = self._family.embeddings
        return dict(zip(names, embeddings if len(names) > 1 else (embeddings,), strict=True))

    @torch.inference_mode()
    def _masks(self, embeddings: dict[str, Any], boxes: Tensor, sizes: dict[str, Tensor]) -> NDArray[np.bool_]:
        """Masks (N, H, W) of boxes (1, N, 4) in pixels of what the model sees."""
        with self._autocast():
            output = self._model(**embeddings, input_boxes=boxes.to(self._device), multimask_output=False)
        masks: NDArray[np.bool_] = (
            self._processor.post_process_masks(output.pred_masks.float(), **sizes)[0][:, 0].cpu().numpy()
        )
        return masks

    def _autocast(self) -> torch.autocast:
        precision = getattr(torch, self._settings.precision)
        return torch.autocast(self._device.type, precision, enabled=precision != torch.float32)


def boxes_that_fit(pixels: int, device: torch.device) -> int:
    """How many boxes a segmenter takes in one step: on a GPU as its memory allows, elsewhere always the same.

    Args:
        pixels: H · W of the image.
        device: Where the segmenter runs.
    """
    if device.type != "cuda":
        return _BOXES_AT_ONCE
    free, _ = torch.cuda.mem_get_info(device)
    unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    needed = _BYTES_PER_BOX * max(1.0, pixels / _MEASURED_PIXELS)
    return min(_MOST_BOXES_AT_ONCE, max(1, int(_SHARE_OF_MEMORY * (free + unused) / needed)))


def open_segmenter(settings: SegmenterSettings, device: torch.device) -> TransformersSegmenter:
    """Load a segmenter; see `grounded_sam.backends.open_segmenter`."""
    return TransformersSegmenter(load_model(settings.model, "segmenter"), settings, device)
