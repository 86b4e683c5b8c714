"""The models behind `Detector` and `Segmenter`. A model is imported when it is opened, so that --help is instant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from a2lc.classes import ClassSet
from grounded_sam.backends.settings import DetectorSettings, SegmenterSettings
from grounded_sam.detections import Detector, FilterSettings, Segmenter

if TYPE_CHECKING:
    import torch

__all__ = ["DetectorSettings", "SegmenterSettings", "open_detector", "open_segmenter"]


def open_detector(
    settings: DetectorSettings, classes: ClassSet, filters: FilterSettings, device: torch.device
) -> Detector:
    """Load a detector that looks for `classes`.

    Args:
        settings: Which model and how it runs.
        classes: What to look for.
        filters: Their score thresholds say which boxes are worth returning; nothing else of them is applied.
        device: Where the model runs.

    Raises:
        InputError: When the model cannot be had or is none, or the classes cannot be asked for.
    """
    if settings.backend == "reference":
        from grounded_sam.backends import reference

        return reference.open_detector(settings, classes, filters, device)
    from grounded_sam.backends import transformers_detector

    return transformers_detector.open_detector(settings, classes, filters, device)


def open_segmenter(settings: SegmenterSettings, device: torch.device) -> Segmenter:
    """Load a segmenter.

    Args:
        settings: Which model and how it runs.
        device: Where the model runs.

    Raises:
        InputError: When the model cannot be had or is none.
    """
    if settings.backend == "reference":
        from grounded_sam.backends import reference

        return reference.open_segmenter(settings, device)
    from grounded_sam.backends import transformers_segmenter

    return transformers_segmenter.open_segmenter(settings, device)
