"""Time of the answer posterior: describing the masks of an image, and learning from all answers once.

    python -m benchmarks.posterior_speed

Images are drawn by seed: ellipses over one another, of all sizes. The yardstick of the description visits one mask
after the other in the window around it, for its label, box, parts, inradius and ring alone. Learning has no yardstick.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from a2lc.posterior import MaskPool, PosteriorModel, PosteriorSettings, describe_masks
from a2lc.posterior.shapes import RING
from benchmarks.table import Row, markdown, peak_memory, seconds_of

SIZES = (("PASCAL", (375, 500), 8, 21), ("Cityscapes", (1024, 2048), 200, 19))
POOLS = ((11_257, 8, 21), (100_000, 68, 19))  # masks, masks per image, classes
SCENES = 40  # images that a pool repeats
ANSWERED = 0.2  # share of the masks of a pool that were answered
SMALLEST, LARGEST = 4, 0.3  # half axes of the ellipses: in pixels, and of the height


def rows() -> list[Row]:
    """The rows of the performance table."""
    return [_description(*size) for size in SIZES] + [_update(*pool) for pool in POOLS]


def draw(seed: int, shape: tuple[int, int], masks: int, classes: int) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """Labels and masks of an image; a mask that others cover altogether is missing."""
    rng, (height, width) = np.random.default_rng(seed), shape
    labels, ids = np.zeros(shape, dtype=np.uint8), np.zeros(shape, dtype=np.int32)
    for mask in range(1, masks + 1):
        row, column = rng.integers(height), rng.integers(width)
        tall, wide = np.exp(rng.uniform(np.log(SMALLEST), np.log(LARGEST * height), 2))
        top, left = max(int(row - tall), 0), max(int(column - wide), 0)
        window = np.s_[top : int(row + tall) + 1, left : int(column + wide) + 1]
        rows_, columns = np.ogrid[: ids[window].shape[0], : ids[window].shape[1]]
        inside = ((rows_ + top - row) / tall) ** 2 + ((columns + left - column) / wide) ** 2 <= 1
        ids[window][inside], labels[window][inside] = mask, rng.integers(1, classes)
    return labels, ids


def one_by_one(labels: NDArray[np.uint8], masks: NDArray[np.int32]) -> list[tuple[object, ...]]:
    """What a straightforward description does: several passes over the surroundings of each mask."""
    described: list[tuple[object, ...]] = []
    for mask, box in enumerate(ndimage.find_objects(masks), start=1):
        if box is None:
            continue
        window = tuple(slice(max(part.start - RING, 0), part.stop + RING) for part in box)
        inside = masks[window] == mask
        ring = ndimage.binary_dilation(inside, np.ones((3, 3)), RING) & ~inside
        depth = ndimage.distance_transform_cdt(np.pad(inside, 1), metric="chessboard").max()
        parts = ndimage.label(inside, np.ones((3, 3)))[1]
        majority = np.bincount(labels[window][inside]).argmax()
        described.append((majority, box, parts, depth, np.bincount(masks[window][ring])))
    return described


def _description(name: str, shape: tuple[int, int], masks: int, classes: int) -> Row:
    labels, ids = draw(0, shape, masks, classes)
    return Row(
        f"describe the masks of an image ({name}: {shape[0]}x{shape[1]}, {len(np.unique(ids)) - 1} masks)",
        seconds_of(lambda: describe_masks(labels, ids, classes)),
        "one mask after the other",
        seconds_of(lambda: one_by_one(labels, ids), repeats=3),
        peak=peak_memory(),
    )


def _update(masks: int, per_image: int, classes: int) -> Row:
    scenes = [describe_masks(*draw(seed, (375, 500), per_image, classes), classes) for seed in range(SCENES)]
    images = masks * SCENES // sum(map(len, scenes))
    pool = MaskPool.collect([(str(image), scenes[image % SCENES]) for image in range(images)], classes, background=0)
    rng, count = np.random.default_rng(0), len(pool)
    answered = rng.permutation(count)[: round(ANSWERED * count)]
    right = rng.random(len(answered)) < 0.5
    votes = np.zeros((count, classes + 1), dtype=np.int64)
    votes[answered, np.where(right, pool.label[answered], rng.integers(0, classes, len(answered)))] = 1
    model = PosteriorModel(pool, PosteriorSettings(), seed=0)
    seconds = seconds_of(lambda: model.score(model.update(votes)), repeats=3)
    return Row(f"learn from {len(answered):,} answers about {count:,} masks", seconds, peak=peak_memory())


if __name__ == "__main__":
    print(markdown(rows()), end="")
