"""All masks of all images in columns: what the model of the answers knows of them without having asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from a2lc.foundation.errors import InputError
from a2lc.foundation.files import atomic_path
from a2lc.foundation.ids import valid_ids
from a2lc.foundation.parallel import check_parallel
from a2lc.foundation.readers.arrays import Expected, read_npz
from a2lc.posterior.runs import IntArray
from a2lc.posterior.shapes import SHAPE_NAMES, ImageMasks


@dataclass(frozen=True)
class MaskPool:
    """M masks of I images, C classes. Nothing in it changes while answers come in.

    Attributes:
        image_id: The I image ids.
        image: (M,) int64, position of the mask's image.
        mask_id: (M,) int64, id within the image.
        pixels: (M,) int64.
        label: (M,) int64, initial label L; C = void.
        shape: (M, 24) float32, see `shapes.SHAPE_NAMES`.
        ring: (M, C) float32, share of each label in the ring around the mask.
        neighbours: (E, 3) int64, rows (mask, other mask, pixels of the other in the ring of the mask).
        label_share: (I, C) float32, share of each label among the pixels of the image.
        label_masks: (I, C) int64, masks of each label in the image.
        unmasked: (I, C) int64, pixels of each label under no mask.
        background: The class that stands for "none of the others", None where there is no such class.
    """

    image_id: tuple[str, ...]
    image: IntArray
    mask_id: IntArray
    pixels: IntArray
    label: IntArray
    shape: NDArray[np.float32]
    ring: NDArray[np.float32]
    neighbours: IntArray
    label_share: NDArray[np.float32]
    label_masks: IntArray
    unmasked: IntArray
    background: int | None

    def __post_init__(self) -> None:
        check_parallel(self, "image", "mask_id", "pixels", "label", "shape", "ring")
        check_parallel(self, "image_id", "label_share", "label_masks", "unmasked")

    def __len__(self) -> int:
        return len(self.pixels)

    @property
    def num_classes(self) -> int:
        """C."""
        return self.unmasked.shape[1]

    @classmethod
    def collect(cls, described: Iterable[tuple[str, ImageMasks]], num_classes: int, background: int | None) -> MaskPool:
        """Put the masks of all images into columns, ordered by image as given, then by mask id."""
        parts = list(described)
        sizes = np.array([len(masks) for _, masks in parts], dtype=np.int64)
        first = np.cumsum(sizes) - sizes
        image = np.repeat(np.arange(len(parts)), sizes)
        label = _joined([masks.label for _, masks in parts], (0,), np.int64)
        shifts = np.stack((first, first, np.zeros_like(first)), axis=1)
        neighbours = [masks.neighbours + shift for shift, (_, masks) in zip(shifts, parts, strict=True)]
        counts = np.bincount(image * (num_classes + 1) + label, minlength=len(parts) * (num_classes + 1))
        return cls(
            image_id=tuple(image_id for image_id, _ in parts),
            image=image,
            mask_id=_joined([masks.mask_id for _, masks in parts], (0,), np.int64),
            pixels=_joined([masks.pixels for _, masks in parts], (0,), np.int64),
            label=label,
            shape=_joined([masks.shape for _, masks in parts], (0, len(SHAPE_NAMES)), np.float32),
            ring=_joined([masks.ring for _, masks in parts], (0, num_classes), np.float32),
            neighbours=_joined(neighbours, (0, 3), np.int64),
            label_share=np.array([masks.label_share for _, masks in parts]).reshape(-1, num_classes),
            label_masks=counts.reshape(-1, num_classes + 1)[:, :num_classes],
            unmasked=np.array([masks.unmasked for _, masks in parts], dtype=np.int64).reshape(-1, num_classes),
            background=background,
        )

    def subset(self, images: Sequence[int]) -> MaskPool:
        """The masks of some images, given by their positions in ascending order."""
        position = np.full(len(self.image_id), -1, dtype=np.int64)
        position[list(images)] = np.arange(len(images))
        chosen = position[self.image] >= 0
        moved = np.cumsum(chosen) - 1
        of_chosen = self.neighbours[chosen[self.neighbours[:, 0]]]
        rows = {name: getattr(self, name)[chosen] for name in ("mask_id", "pixels", "label", "shape", "ring")}
        of_images = {name: getattr(self, name)[list(images)] for name in ("label_share", "label_masks", "unmasked")}
        return MaskPool(
            image_id=tuple(self.image_id[image] for image in images),
            image=position[self.image[chosen]],
            neighbours=np.column_stack((moved[of_chosen[:, :2]], of_chosen[:, 2])),
            background=self.background,
            **rows,
            **of_images,
        )

    def write(self, path: Path) -> None:
        """Write the pool as NumPy's npz, atomically."""
        background = -1 if self.background is None else self.background
        with atomic_path(path) as temporary:
            np.savez(temporary, **{**vars(self), "image_id": np.array(self.image_id), "background": background})

    @classmethod
    def read(cls, path: Path) -> MaskPool:
        """Read what `write` wrote.

        Raises:
            InputError: When the file is unreadable.
        """
        pool = read_npz(path, _ARRAYS, _REMEDY)
        background = int(pool.pop("background"))
        image_id = tuple(valid_ids(pool.pop("image_id").tolist(), path))
        try:
            return cls(image_id=image_id, background=None if background < 0 else background, **pool)
        except ValueError as error:
            raise InputError(f"{path} does not hold what was expected ({error}): {_REMEDY}") from None

    def keys(self) -> list[tuple[str, int]]:
        """(image id, mask id) of every mask."""
        return [(self.image_id[image], mask) for image, mask in zip(self.image, self.mask_id.tolist(), strict=True)]


_REMEDY = "remove it, the masks are then described anew"
_ARRAYS = {
    "image_id": Expected("U", 1),
    "image": Expected("i", 1, 0),
    "mask_id": Expected("i", 1, 0, 65535),
    "pixels": Expected("i", 1, 0),
    "label": Expected("i", 1, 0, 255),
    "shape": Expected("f", 2),
    "ring": Expected("f", 2),
    "neighbours": Expected("i", 2, 0),
    "label_share": Expected("f", 2),
    "label_masks": Expected("i", 2, 0),
    "unmasked": Expected("i", 2, 0),
    "background": Expected("i", 0),
}


def _joined(parts: list[NDArray[Any]], empty: tuple[int, ...], dtype: type) -> NDArray[Any]:
    """The parts one after the other; an array of the shape `empty` where there are none."""
    return np.concatenate(parts) if parts else np.zeros(empty, dtype=dtype)
