"""What a detector finds in an image, the two seams behind which models stand, and what of the findings is kept."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from a2lc.foundation.errors import refuse
from a2lc.foundation.settings import Settings

Share = Annotated[float, Field(ge=0, le=1)]


@dataclass(frozen=True)
class Detections:
    """Parallel arrays, one entry per detection of one image, in the detector's order: mask id = index + 1.

    Attributes:
        boxes: (N, 4) float32; x0, y0, x1, y1 in pixels of the image as the user sees it (EXIF orientation applied).
            A box may leave the image.
        classes: (N,) int64, class index of the `ClassSet`.
        scores: (N,) float32 in [0, 1], higher = surer.

    Raises:
        ValueError: When the arrays do not fit together.
    """

    boxes: NDArray[np.float32]
    classes: NDArray[np.int64]
    scores: NDArray[np.float32]

    def __post_init__(self) -> None:
        shapes = self.boxes.shape, self.classes.shape, self.scores.shape
        count = len(self.scores)
        if shapes != ((count, 4), (count,), (count,)):
            raise ValueError(f"boxes, classes, scores must be (N, 4), (N,), (N,), got {', '.join(map(str, shapes))}")

    def __len__(self) -> int:
        return len(self.scores)

    def select(self, keep: NDArray[np.bool_] | NDArray[np.integer]) -> Detections:
        """The detections that `keep` names: (N,) bool, or indices in the order wanted."""
        return Detections(self.boxes[keep], self.classes[keep], self.scores[keep])


class Detector(Protocol):
    """Finds the boxes of the classes that it was opened for."""

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[Detections]:
        """Detections of each image of one batch.

        Args:
            images: RGB (H, W, 3) uint8 each; sizes may differ.
        """
        ...

    def describe(self) -> dict[str, Any]:
        """What manifest.json records: backend, model, hash of the weights, prompts, thresholds."""
        ...


class Segmenter(Protocol):
    """Turns boxes into masks."""

    def segment(self, image: NDArray[np.uint8], boxes: NDArray[np.float32]) -> Iterator[NDArray[np.bool_]]:
        """Yield the mask (H, W) of each box, in the order of the boxes; nothing for no boxes.

        Args:
            image: RGB (H, W, 3) uint8.
            boxes: (N, 4) as in `Detections`.
        """
        ...

    def describe(self) -> dict[str, Any]:
        """What manifest.json records: backend, model, hash of the weights."""
        ...


class FilterSettings(Settings):
    """Which detections become masks. Only the score threshold is the papers'; the other filters are off by default."""

    score_threshold: Share = 0.2
    """Detections with a score above this (not equal) are kept."""
    class_thresholds: dict[str, Share] = Field(default_factory=dict)
    """Score thresholds of single classes, by class name, instead of score_threshold."""
    nms: Share | None = None
    """Of two boxes of one class whose intersection over union is above this, only the one with the higher score is
    kept; None = both are."""
    clip: bool = False
    """Whether boxes are cut at the border of the image, and those outside it dropped."""
    min_area: int = Field(default=0, ge=0)
    """Masks of fewer pixels than this are not painted; their ids stay unused."""

    @property
    def lowest_threshold(self) -> float:
        """The score that every detection worth a look is above."""
        return min([self.score_threshold, *self.class_thresholds.values()])


def score_thresholds(settings: FilterSettings, names: Sequence[str]) -> NDArray[np.float32]:
    """Threshold of each class, (C,) float32.

    Args:
        settings: Thresholds by name.
        names: Class names in index order.

    Raises:
        InputError: Lists every threshold of a class that does not exist.
    """
    unknown = [name for name in settings.class_thresholds if name not in names]
    refuse("class_thresholds names classes that do not exist", [_unknown_class(name, names) for name in unknown])
    thresholds = [settings.class_thresholds.get(name, settings.score_threshold) for name in names]
    return np.array(thresholds, dtype=np.float32)


def _unknown_class(name: str, names: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"; did you mean '{near[0]}'?" if near else ": take it out"
    return f"'{name}' is not one of {', '.join(names)}{hint}"


def filter_detections(
    detections: Detections, size: tuple[int, int], settings: FilterSettings, names: Sequence[str]
) -> Detections:
    """Apply score thresholds, then NMS within each class, then clipping. What is kept stays in the detector's order.

    Args:
        detections: Of one image.
        size: Height and width of the image in pixels.
        settings: Which filters; `min_area` is not one of them: it is about masks.
        names: Class names in index order.

    Raises:
        InputError: When a threshold names a class that does not exist.
    """
    # float32 on both sides: a score stored as 0.2 is not above a threshold of 0.2
    kept = detections.select(detections.scores > score_thresholds(settings, names)[detections.classes])
    if settings.nms is not None:
        kept = kept.select(_without_duplicates(kept, settings.nms))
    return _clipped(kept, size) if settings.clip else kept


def _without_duplicates(detections: Detections, limit: float) -> NDArray[np.int64]:
    """Indices of the detections that class-wise NMS keeps, ascending."""
    import torch
    from torchvision.ops import batched_nms

    # batched_nms tells the classes apart by shifting their boxes, which needs coordinates that are not negative
    boxes = detections.boxes.astype(np.float64) - detections.boxes.min(initial=0)
    arrays = boxes, detections.scores.astype(np.float64), detections.classes
    kept: NDArray[np.int64] = batched_nms(*map(torch.from_numpy, arrays), limit).numpy()
    return np.sort(kept)


def _clipped(detections: Detections, size: tuple[int, int]) -> Detections:
    """Boxes cut to the image (H, W); those outside are dropped."""
    height, width = size
    boxes = np.clip(detections.boxes, 0, np.array([width, height, width, height], dtype=np.float32))
    inside = (boxes[:, 0] < boxes[:, 2]) & (boxes[:, 1] < boxes[:, 3])
    return Detections(boxes, detections.classes, detections.scores).select(inside)
