"""How fast the masks of one image are scored, and how that grows with masks and classes.

    python -m benchmarks.scoring_kernel

The yardstick is a loop over pixels, written from the formulas of ABC; on a GPU there is a row more.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from a2lc.acquisition import score_masks
from benchmarks.table import Row, markdown, peak_memory, seconds_of

_CITYSCAPES, _PASCAL = (1024, 2048), (375, 500)


@dataclass(frozen=True)
class Image:
    """An image to score: f (C, H, W) float32, labels (H, W) uint8, masks (H, W) uint16."""

    probabilities: NDArray[np.float32]
    labels: NDArray[np.uint8]
    masks: NDArray[np.uint16]

    def score(self) -> object:
        """Score the masks with ABC."""
        return score_masks(self.probabilities, self.labels, self.masks, "abc")


def draw_image(classes: int, size: tuple[int, int], masks: int, seed: int = 0) -> Image:
    """Smooth probabilities, Voronoi cells as masks, and labels that are wrong in every fifth cell; one cell is void."""
    random, torch_random = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    coarse = 3 * torch.randn(1, classes, size[0] // 48 + 2, size[1] // 48 + 2, generator=torch_random)
    probabilities = torch.nn.functional.interpolate(coarse, size=size, mode="bilinear")[0].softmax(0)
    rows_and_columns = np.stack(np.mgrid[: size[0], : size[1]], axis=-1).reshape(-1, 2)
    cell = cKDTree(random.random((masks, 2)) * size).query(rows_and_columns)[1].reshape(size)
    wrong = random.integers(0, classes, masks)
    labels = np.where(cell % 5 == 0, wrong[cell], probabilities.argmax(0).numpy())
    labels[cell == 1] = 255
    return Image(probabilities.numpy(), labels.astype(np.uint8), (cell + 1).astype(np.uint16))


def score_by_loop(image: Image, void: int = 255) -> dict[int, float]:
    """ABC of every mask in three loops over pixels: dom(m), the mean over the core, and the sum of the formula."""
    height, width = image.masks.shape
    f = np.ascontiguousarray(image.probabilities.transpose(1, 2, 0))
    predicted = f.argmax(2)
    votes: dict[int, list[int]] = {int(mask): [0] * f.shape[2] for mask in np.unique(image.masks) if mask}
    masks, guesses, labels = image.masks.tolist(), predicted.tolist(), image.labels.tolist()
    for row in range(height):
        for column in range(width):
            if mask := masks[row][column]:
                votes[mask][guesses[row][column]] += 1
    dominant = {mask: counts.index(max(counts)) for mask, counts in votes.items()}
    core = {mask: np.zeros(f.shape[2]) for mask in votes}
    for row in range(height):
        for column in range(width):
            mask = masks[row][column]
            if mask and guesses[row][column] == dominant[mask]:
                core[mask] += f[row, column]
    unit = {mask: (mean / np.sqrt(mean @ mean)).astype(np.float32) for mask, mean in core.items()}
    score = dict.fromkeys(votes, 0.0)
    for row in range(height):
        for column in range(width):
            if mask := masks[row][column]:
                vector, label = f[row, column], labels[row][column]
                own = vector[guesses[row][column] if label == void else label]
                score[mask] += float(unit[mask] @ vector / np.sqrt(vector @ vector) * (1 - own))
    return score


def rows() -> list[Row]:
    """One image of Cityscapes size against the loop and against reading its probabilities once, one of PASCAL size."""
    image = draw_image(19, _CITYSCAPES, 200)
    seconds, peak = seconds_of(image.score, repeats=9), peak_memory()  # before the loop, which takes more
    started = time.perf_counter()
    expected = score_by_loop(image)
    loop = time.perf_counter() - started
    scored = score_masks(image.probabilities, image.labels, image.masks, "abc")
    np.testing.assert_allclose(scored.score, [expected[mask] for mask in scored.mask_id.tolist()], rtol=1e-4)
    flat = torch.from_numpy(image.probabilities)
    what = "score 200 masks, 19x1024x2048"
    small = draw_image(21, _PASCAL, 8)
    return [
        Row(what, seconds, "a loop over pixels", loop, "75x", peak),
        Row(what, seconds, "reading the probabilities once", seconds_of(flat.sum, repeats=9), "about 0.1x", peak),
        Row("score 8 masks, 21x375x500", seconds_of(small.score, repeats=9), limit="10 ms"),
        *_on_gpu(image, what),
    ]


def scaling() -> list[Row]:
    """Masks 10 to 1000 and classes 2 to 150 against the least of them: time grows at most linearly, memory stays.

    The peak is that of the process so far: drawing and holding one image at a time.
    """
    # a quarter of the size: 150 classes at full size are 1.3 GB of probabilities
    return _growth([(masks, 19) for masks in (10, 100, 1000)], _CITYSCAPES) + _growth(
        [(200, classes) for classes in (2, 19, 150)], (512, 1024)
    )


def _growth(cases: list[tuple[int, int]], size: tuple[int, int]) -> list[Row]:
    found: list[Row] = []
    for masks, classes in cases:
        seconds = seconds_of(draw_image(classes, size, masks).score)
        least = found[0] if found else None
        found.append(
            Row(
                f"score {masks} masks, {classes}x{size[0]}x{size[1]}",
                seconds,
                least.stage if least else "",
                least.seconds if least else None,
                peak=peak_memory(),
            )
        )
    return found


def _on_gpu(image: Image, what: str) -> list[Row]:
    if not torch.cuda.is_available():
        return []
    tensors: list[Any] = [torch.from_numpy(array).cuda() for array in (image.probabilities, image.labels)]
    masks = torch.from_numpy(image.masks.astype(np.int32)).cuda()

    def finished(work: Callable[[], object]) -> None:
        work()
        torch.cuda.synchronize()

    seconds = seconds_of(lambda: finished(lambda: score_masks(*tensors, masks, "abc")), repeats=9)
    read = seconds_of(lambda: finished(tensors[0].sum), repeats=9)
    name = torch.cuda.get_device_name()
    return [Row(f"{what}, {name}", seconds, "reading the probabilities once", read, "5 ms")]


def main() -> None:
    """Print both tables."""
    print(markdown(rows()))
    print(markdown(scaling()))


if __name__ == "__main__":
    main()
