"""The table of models: which classes of transformers they need, and where the published ones are.

A new model of a family in the table is a row in `MODELS`; a new family is a row in `FAMILIES`, as long as its classes
are called like the others. A model that detects and segments in one would be a class beside `TransformersDetector`
with the methods of both `Detector` and `Segmenter`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Task = Literal["detector", "segmenter"]


@dataclass(frozen=True)
class Family:
    """Models that the same classes of transformers run.

    Attributes:
        task: What they are good for.
        model: Name of the class of the model.
        processor: Name of the class that prepares its inputs and reads its outputs.
        image_processor: Name of the part of it that resizes; with Pillow where there is a choice, as the models were
            trained.
        embeddings: For segmenters: what the model's parts call the embeddings of an image, in the order in which
            `get_image_embeddings` gives them.
    """

    task: Task
    model: str
    processor: str
    image_processor: str
    embeddings: tuple[str, ...] = ()


_SAM2 = Family("segmenter", "Sam2Model", "Sam2Processor", "Sam2ImageProcessor", ("image_embeddings",))

FAMILIES = {  # by the model_type in a model's config.json
    "grounding-dino": Family(
        "detector",
        "GroundingDinoForObjectDetection",
        "GroundingDinoProcessor",
        "GroundingDinoImageProcessorPil",
    ),
    "mm-grounding-dino": Family(
        "detector",
        "MMGroundingDinoForObjectDetection",
        "GroundingDinoProcessor",
        "GroundingDinoImageProcessorPil",
    ),
    "sam": Family("segmenter", "SamModel", "SamProcessor", "SamImageProcessorPil", ("image_embeddings",)),
    "sam_hq": Family(
        "segmenter",
        "SamHQModel",
        "SamHQProcessor",
        "SamImageProcessorPil",
        ("image_embeddings", "intermediate_embeddings"),
    ),
    "sam2": _SAM2,
    "sam2_video": _SAM2,  # what the published checkpoints of SAM 2 call themselves
}


@dataclass(frozen=True)
class KnownModel:
    """A published model: its repository on the Hugging Face hub and the licence of its weights."""

    task: Task
    hub_id: str
    license: str = "Apache-2.0"


MODELS = {
    "grounding-dino-tiny": KnownModel("detector", "IDEA-Research/grounding-dino-tiny"),
    "grounding-dino-base": KnownModel("detector", "IDEA-Research/grounding-dino-base"),
    "mm-grounding-dino-tiny": KnownModel("detector", "openmmlab-community/mm_grounding_dino_tiny_o365v1_goldg_v3det"),
    "mm-grounding-dino-base": KnownModel("detector", "openmmlab-community/mm_grounding_dino_base_all"),
    "mm-grounding-dino-large": KnownModel("detector", "openmmlab-community/mm_grounding_dino_large_all"),
    "sam-vit-base": KnownModel("segmenter", "facebook/sam-vit-base"),
    "sam-vit-large": KnownModel("segmenter", "facebook/sam-vit-large"),
    "sam-vit-huge": KnownModel("segmenter", "facebook/sam-vit-huge"),
    "sam-hq-vit-base": KnownModel("segmenter", "syscv-community/sam-hq-vit-base"),
    "sam-hq-vit-large": KnownModel("segmenter", "syscv-community/sam-hq-vit-large"),
    "sam-hq-vit-huge": KnownModel("segmenter", "syscv-community/sam-hq-vit-huge"),
    "sam2.1-hiera-tiny": KnownModel("segmenter", "facebook/sam2.1-hiera-tiny"),
    "sam2.1-hiera-small": KnownModel("segmenter", "facebook/sam2.1-hiera-small"),
    "sam2.1-hiera-base-plus": KnownModel("segmenter", "facebook/sam2.1-hiera-base-plus"),
    "sam2.1-hiera-large": KnownModel("segmenter", "facebook/sam2.1-hiera-large"),
}


def known_names(task: Task) -> list[str]:
    """Names in the table that are good for a task."""
    return [name for name, model in MODELS.items() if model.task == task]
