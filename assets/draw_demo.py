"""Draw assets/demo_labels.png from a finished demo: what the labels were and what they became.

bash DeepLabV3Plus_Pytorch/run_demo.sh && python assets/draw_demo.py outputs
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from a2lc.datasets import open_dataset
from a2lc.datasets.toyscapes import ToyscapesSettings
from a2lc.foundation.images import write_image
from a2lc.labels.ledger import Ledger
from a2lc.labels.state import LabelState
from a2lc.labels.store import open_pseudo_labels

SCENES, ZOOM, GAP, HEAD = 4, 2, 6, 26
TITLES = ("image", "labels of the detector", "after 180 clicks of a2lc", "ground truth")


def main(output: Path) -> None:
    """Draw the scenes that were asked about most in the run of seed 1, a row each."""
    dataset = open_dataset(ToyscapesSettings(root=output / "data/toyscapes"))
    initial = open_pseudo_labels(output / "data/toyscapes/pseudo_labels")
    ledger = Ledger(output / "runs/demo/seed1/a2lc/ledger.sqlite")
    state = LabelState(initial, ledger.corrections())
    asked = Counter(image_id for image_id, _ in ledger.queried())
    palette = np.frombuffer(dataset.classes.palette(), dtype=np.uint8).reshape(256, 3)
    truth = dataset.ground_truth
    assert truth is not None
    rows = []
    for image_id, _ in asked.most_common(SCENES):
        maps = (source.labels(image_id) for source in (initial, state, truth))
        rows.append([dataset.image(image_id), *(palette[labels] for labels in maps)])
    write_image(Path(__file__).parent / "demo_labels.png", np.asarray(sheet(rows)))


def sheet(rows: list[list[np.ndarray]]) -> Image.Image:
    """Pictures in a grid, columns titled."""
    height, width = (ZOOM * size for size in rows[0][0].shape[:2])
    size = len(TITLES) * (width + GAP) - GAP, HEAD + len(rows) * (height + GAP) - GAP
    canvas = Image.new("RGB", size, "white")
    draw, font = ImageDraw.Draw(canvas), ImageFont.load_default(size=16)
    for column, title in enumerate(TITLES):
        draw.text((column * (width + GAP) + 2, 2), title, fill="#22262b", font=font)
        for row, pictures in enumerate(rows):
            picture = Image.fromarray(pictures[column]).resize((width, height), Image.Resampling.NEAREST)
            canvas.paste(picture, (column * (width + GAP), HEAD + row * (height + GAP)))
    return canvas


if __name__ == "__main__":
    main(Path(sys.argv[1]))
