"""What a step sees: labelled images, and unlabelled ones in a weak view."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from a2lc.segmentation.sampling import Item, TrainingSamples, batch_of_step
from a2lc.segmentation.settings import TrainingSettings
from a2lc.segmentation.transforms import Augmentation

_PADDED = 1


@dataclass(frozen=True)
class UnlabelledImages:
    """Images that nothing is known of.

    Attributes:
        images: Image id → RGB (H, W, 3) uint8; must be picklable if there are workers.
        ids: Which there are.
    """

    images: Callable[[str], NDArray[np.uint8]]
    ids: Sequence[str]


class WeakView:
    """Scale, crop and flip as a function of a seed; no colour is changed."""

    def __init__(self, settings: TrainingSettings) -> None:
        """Take the geometry of the settings."""
        plain = settings.model_copy(update={"color_jitter": 0.0, "padding": "void"})
        self._augment = Augmentation(plain, void=_PADDED)

    def __call__(self, image: NDArray[np.uint8], seed: int) -> tuple[Tensor, Tensor]:
        """The view (3, h, w) uint8 of an image (H, W, 3), and where it shows the image and no padding, (h, w) bool."""
        inside = np.zeros(image.shape[:2], dtype=np.uint8)
        view, padded = self._augment(image, inside, seed)
        return view, padded != _PADDED


@dataclass(frozen=True)
class AloneSamples:
    """Loads labelled images alone.

    Attributes:
        labelled: Loads one.
    """

    labelled: TrainingSamples

    def __call__(self, item: Item) -> tuple[Tensor, ...]:
        """Image (3, h, w) and labels (h, w). Raises InputError when they are unfit."""
        return self.labelled(item)

    def items_of(self, batch_size: int, keys: Sequence[int | str], step: int) -> list[Item]:
        """The items of a step."""
        return batch_of_step(step, len(self.labelled.image_ids), batch_size, keys)


@dataclass(frozen=True)
class PairedSamples:
    """Loads a labelled and an unlabelled image.

    Attributes:
        labelled: Loads the labelled one.
        unlabelled: Where the other comes from.
        weak: How that is seen.
    """

    labelled: TrainingSamples
    unlabelled: UnlabelledImages
    weak: WeakView

    def __call__(self, items: tuple[Item, Item]) -> tuple[Tensor, ...]:
        """Image (3, h, w) and labels (h, w), weak view (3, h, w) and where it is valid (h, w).

        Raises:
            InputError: When an image or a label map is unfit.
        """
        of_labelled, (index, seed) = items
        return *self.labelled(of_labelled), *self.weak(self.unlabelled.images(self.unlabelled.ids[index]), seed)

    def items_of(self, batch_size: int, keys: Sequence[int | str], step: int) -> list[tuple[Item, Item]]:
        """The pairs of a step: both kinds of images have epochs of their own."""
        labelled = batch_of_step(step, len(self.labelled.image_ids), batch_size, keys)
        unlabelled = batch_of_step(step, len(self.unlabelled.ids), batch_size, (*keys, "unlabelled"))
        return list(zip(labelled, unlabelled, strict=True))
