"""Plain folders of drawn images, with labels as a detector might leave them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from a2lc.classes import ClassSet
from a2lc.foundation.images import write_image, write_label_map
from a2lc.labels.store import PseudoLabelWriter


def make_folder(root: Path, classes: ClassSet, images: int = 6, truth: bool = True, size: int = 48) -> Path:
    """A plain folder of images: coloured boxes and discs on a ground, pseudo-labels that confuse the two at times."""
    writer = PseudoLabelWriter(root / "pseudo_labels", classes, {"backend": "test"})
    for index in range(images):
        rng = np.random.default_rng(index)
        image, label = np.full((size, size + 8, 3), 90, dtype=np.uint8), np.zeros((size, size + 8), dtype=np.uint8)
        guess, masks = np.full(label.shape, 255, dtype=np.uint8), np.zeros(label.shape, dtype=np.uint16)
        guess[:4], masks[:4] = 0, 1
        for mask_id in range(2, 5):
            row, column, kind = rng.integers(4, size - 16), rng.integers(0, size - 8), int(rng.integers(1, 3))
            region = np.s_[row : row + 14, column : column + 14]
            label[region], masks[region] = kind, mask_id
            image[region] = (200, 60, 60) if kind == 1 else (60, 60, 200)
            guess[region] = kind if rng.random() < 0.6 else 3 - kind
        image = np.clip(image + rng.normal(0, 8, image.shape), 0, 255).astype(np.uint8)
        name = f"image{index:02d}"
        write_image(root / "images" / f"{name}.png", image)
        if truth:
            write_label_map(root / "ground_truth" / f"{name}.png", label, classes.palette())
        writer.write(name, guess, masks)
    writer.finish()
    classes.write(root / "classes.yaml")
    return root
