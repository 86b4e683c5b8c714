"""The labels of a round: L_r = L₀ with each corrected mask set to its newest label, by one table lookup."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from a2lc.foundation.errors import InputError
from a2lc.labels.base import MaskedLabels
from a2lc.labels.run_length import decode_runs


@dataclass(frozen=True)
class LabelState:
    """L_r, materialised image by image; fulfils `LabelSource`.

    Attributes:
        initial: The pseudo-label set (L₀ and S).
        corrections: {image id: {mask id: label}}, from `Ledger.corrections`.
        pixel_corrections: {image id: [(runs, label)]}, oldest first, from `Ledger.pixel_corrections`.

    Example:
        >>> state = LabelState(open_pseudo_labels(Path("my_images/pseudo_labels")), ledger.corrections(2))
        >>> labels, masks = state.maps("photo_1")  # L_2 and S of one image
    """

    initial: MaskedLabels
    corrections: Mapping[str, Mapping[int, int]] = field(default_factory=dict)
    pixel_corrections: Mapping[str, Sequence[tuple[str, int]]] = field(default_factory=dict)

    def masks(self, image_id: str) -> NDArray[np.int32]:
        """Mask map S (H, W) int32, 0 = no mask."""
        return self.initial.masks(image_id)

    def labels(self, image_id: str) -> NDArray[np.uint8]:
        """Label map L_r (H, W) uint8."""
        return self._corrected(image_id, None)

    def maps(self, image_id: str) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
        """Label map and mask map, each read once."""
        masks = self.masks(image_id)
        return self._corrected(image_id, masks), masks

    def _corrected(self, image_id: str, masks: NDArray[np.int32] | None) -> NDArray[np.uint8]:
        """L_r; the mask map is read where it is not given and something was corrected."""
        labels = self.initial.labels(image_id)
        corrected = self.corrections.get(image_id)
        if corrected:
            labels = apply_corrections(labels, self.masks(image_id) if masks is None else masks, corrected)
        for runs, label in self.pixel_corrections.get(image_id, ()):
            labels = np.where(pixels_of(image_id, runs, labels.shape), np.uint8(label), labels)
        return labels


def pixels_of(image_id: str, runs: str, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """The pixels (H, W) of a decision about parts of a mask.

    Raises:
        InputError: When they do not lie within the image.
    """
    try:
        return decode_runs(runs, shape)
    except ValueError as error:
        raise InputError(f"the ledger's pixels of '{image_id}' do not fit it ({error}): put it back") from None


def apply_corrections(
    labels: NDArray[np.uint8], masks: NDArray[np.integer], corrections: Mapping[int, int]
) -> NDArray[np.uint8]:
    """Set every corrected mask to its label with one table lookup.

    Args:
        labels: (H, W) uint8.
        masks: (H, W) mask ids, 0 = no mask.
        corrections: {mask id: label}.

    Returns:
        (H, W) uint8; the input is left as it is.

    Example:
        >>> apply_corrections(np.array([[7, 7]], np.uint8), np.array([[0, 3]]), {3: 1}).tolist()
        [[7, 1]]
    """
    table = np.full(int(masks.max(initial=0)) + 1, -1, dtype=np.int16)  # by mask id; -1 = not corrected
    for mask_id, label in corrections.items():
        if mask_id < len(table):
            table[mask_id] = label
    painted = table[masks]  # (H, W)
    return np.where(painted >= 0, painted, labels).astype(np.uint8)
