"""Settings of the models: which detector and which segmenter, and how they run."""

from __future__ import annotations

from typing import Literal

from pydantic import PositiveInt

from a2lc.foundation.settings import Settings

Backend = Literal["transformers", "reference"]
Precision = Literal["float32", "bfloat16", "float16"]


class DetectorSettings(Settings):
    """From images and phrases to boxes."""

    backend: Backend = "transformers"
    """transformers, or reference: the package groundingdino-py that the papers used (pip install a2lc[reference])."""

    model: str = "grounding-dino-tiny"
    """A known name (grounding-dino-tiny, grounding-dino-base, mm-grounding-dino-tiny, -base, -large), the id of a
    repository on the Hugging Face hub, a folder, or an official .pth file."""

    shortest_edge: PositiveInt = 800
    """Pixels to which the shorter side of an image is resized before the detector sees it."""

    longest_edge: PositiveInt = 1333
    """Pixels that the longer side may have then; where it would have more, the image is made smaller."""

    reference_compat: bool = False
    """Whether phrases and scores are read as by the research code: a word belongs to the last class that has it, and a
    box counts by its best score at any token of the caption."""

    precision: Precision = "float32"
    """Numbers that the model computes with; the 16-bit ones are faster on a GPU and change scores a little."""


class SegmenterSettings(Settings):
    """From boxes to masks."""

    backend: Backend = "transformers"
    """transformers, or reference: the package segment-anything that the papers used (pip install a2lc[reference])."""

    model: str = "sam-vit-huge"
    """A known name (sam-vit-base, -large, -huge, sam-hq-vit-base, -large, -huge, sam2.1-hiera-tiny, -small,
    -base-plus, -large), the id of a repository on the Hugging Face hub, a folder, or an official .pth file of SAM."""

    boxes_at_once: PositiveInt | None = None
    """Boxes that the segmenter takes in one step; null = as many as fit into the memory there is."""

    precision: Precision = "float32"
    """Numbers that the model computes with; the 16-bit ones are faster on a GPU and change masks a little."""
