"""What the masks of one image look like and what surrounds them: labels and mask ids alone, no image, no network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from a2lc.foundation.parallel import check_parallel
from a2lc.posterior.runs import IntArray, Runs, count_parts, extremes, find_runs, row_spans

RING = 4  # pixels, width of the ring around a mask in which its surroundings are counted
_THINNED = 2  # the inradius is measured on every second row and column: a quarter of the time

SHAPE_NAMES = (
    "log_pixels", "area_share", "top", "left", "bottom", "right", "height", "width", "log_aspect", "extent", "fill",
    "log_parts", "log_inradius", "inradius_per_root_area", "centroid_row", "centroid_column", "borders_touched",
    "masks", "size_rank", "pixels_per_largest", "masks_with_label", "share_under_masks", "relative_id", "ring_unmasked",
)  # fmt: skip


@dataclass(frozen=True)
class ImageMasks:
    """The M masks of one image, in ascending order of mask id; C classes.

    Attributes:
        mask_id: (M,) int64.
        pixels: (M,) int64.
        label: (M,) int64, majority initial label (ties: smallest index); C = void.
        shape: (M, 24) float32, columns as in `SHAPE_NAMES`.
        ring: (M, C) float32, share of each label among the pixels of the mask's ring; 0 where there is no ring.
        neighbours: (E, 3) int64, rows (mask, other mask, pixels of the other in the ring of the mask), masks as
            positions 0..M-1.
        label_share: (C,) float32, share of each label among the pixels of the image.
        unmasked: (C,) int64, pixels of each label under no mask.
    """

    mask_id: IntArray
    pixels: IntArray
    label: IntArray
    shape: NDArray[np.float32]
    ring: NDArray[np.float32]
    neighbours: IntArray
    label_share: NDArray[np.float32]
    unmasked: IntArray

    def __post_init__(self) -> None:
        check_parallel(self, "mask_id", "pixels", "label", "shape", "ring")
        check_parallel(self, "label_share", "unmasked")

    def __len__(self) -> int:
        return len(self.mask_id)


def describe_masks(labels: NDArray[np.uint8], masks: NDArray[np.integer], num_classes: int) -> ImageMasks:
    """Describe every mask of an image.

    Args:
        labels: (H, W) uint8 initial labels; everything from C on counts as void.
        masks: (H, W) integer mask ids, 0 = no mask.
        num_classes: C.

    Raises:
        ValueError: When the two differ in shape.
    """
    if labels.shape != masks.shape:
        raise ValueError(f"labels are {labels.shape} but masks are {masks.shape}: expected equal")
    size = num_classes + 1  # labels, void last
    # mask and label of a pixel in one number: a run of equal numbers has one of each
    runs = find_runs(masks.astype(np.int32) * 256 + labels)
    id_of_run = runs.value // 256  # (N,)
    label_of_run = np.minimum(runs.value % 256, num_classes)  # (N,)
    length = runs.stop - runs.start  # (N,)
    ids = np.unique(np.append(id_of_run, 0))  # (M + 1,): 0 = no mask stands first, there or not
    index_of_run = np.searchsorted(ids, id_of_run)  # (N,) in 0..M
    joint = np.bincount(index_of_run * size + label_of_run, length, len(ids) * size).astype(np.int64)
    joint = joint.reshape(-1, size)  # (M + 1, C + 1) pixels by mask and label
    table = np.zeros(int(ids[-1]) + 1, dtype=np.int32)  # mask id → 0..M
    table[ids] = np.arange(len(ids))
    index = table[masks]  # (H, W) in 0..M
    rings = _rings(index, np.minimum(labels, num_classes), len(ids) - 1, size)
    ring_pixels = np.maximum(rings.by_label.sum(axis=1), 1)  # (M,)
    pixels = joint[1:].sum(axis=1)  # (M,)
    label = joint[1:].argmax(axis=1)  # (M,), C = void; ties: smallest index
    of_masks = Runs(index_of_run, runs.row, runs.start, runs.stop, runs.width)
    geometry = _geometry(of_masks, index, pixels) if len(pixels) else np.zeros((0, 18))
    context = _context(pixels, label, masks.size, rings.unmasked / ring_pixels)
    return ImageMasks(
        mask_id=ids[1:],
        pixels=pixels,
        label=label,
        shape=np.concatenate((geometry, context), axis=1).astype(np.float32),
        ring=(rings.by_label / ring_pixels[:, None])[:, :num_classes].astype(np.float32),
        neighbours=rings.neighbours,
        label_share=(joint.sum(axis=0)[:num_classes] / masks.size).astype(np.float32),
        unmasked=joint[0, :num_classes],
    )


@dataclass(frozen=True)
class _Rings:
    """What the rings around the M masks of an image hold.

    Attributes:
        by_label: (M, C + 1) int64, pixels of each label in the ring, void last.
        unmasked: (M,) int64, pixels of it under no mask.
        neighbours: (E, 3) int64, rows (mask, other mask, pixels), ordered by mask, then other mask.
    """

    by_label: IntArray
    unmasked: IntArray
    neighbours: IntArray

    def __post_init__(self) -> None:
        check_parallel(self, "by_label", "unmasked")


def _rings(index: NDArray[np.int32], labels: NDArray[np.uint8], count: int, size: int) -> _Rings:
    """Count what surrounds each of `count` masks; memory grows with the masks and those they touch, not their pairs."""
    codes = index * size + labels  # (H, W) mask and label of a pixel in one number
    of_rings = [
        np.unique(_around(index, codes, mask, box), return_counts=True)
        for mask, box in enumerate(ndimage.find_objects(index), start=1)
    ]
    # (K,) entries: so many pixels of a code in the ring of a mask; ordered by mask, then code
    mask = np.repeat(np.arange(len(of_rings)), [len(found) for found, _ in of_rings])
    code = np.concatenate([np.zeros(0, dtype=np.int64), *(found for found, _ in of_rings)])
    pixels = np.concatenate([np.zeros(0, dtype=np.int64), *(counted for _, counted in of_rings)])
    other, label = np.divmod(code, size)  # 0 = no mask
    by_label = np.bincount(mask * size + label, pixels, count * size).astype(np.int64).reshape(count, size)
    unmasked = np.bincount(mask, pixels * (other == 0), count).astype(np.int64)
    pair = mask * (count + 1) + other  # ascending: one stretch of entries for each mask and what it touches
    begins = np.flatnonzero(np.diff(pair, prepend=-1))
    touched = np.stack((mask[begins], other[begins] - 1, np.add.reduceat(pixels, begins)), axis=1)
    return _Rings(by_label, unmasked, touched[touched[:, 1] >= 0])


def _around(
    index: NDArray[np.int32], codes: NDArray[np.int32], mask: int, box: tuple[slice, slice]
) -> NDArray[np.int32]:
    """The codes of the pixels in the ring of one mask, given its bounding box."""
    rows, columns = box
    window = np.s_[max(rows.start - RING, 0) : rows.stop + RING, max(columns.start - RING, 0) : columns.stop + RING]
    inside = index[window] == mask
    ring = dilate(inside, RING)
    ring ^= inside
    around: NDArray[np.int32] = codes[window][ring]
    return around


def dilate(inside: NDArray[np.bool_], radius: int) -> NDArray[np.bool_]:
    """Grow a region (H, W) by `radius` pixels in all 8 directions, by shifts that double."""
    for axis in (0, 1):
        reached = 0
        while reached < radius:
            step = min(reached + 1, radius - reached)  # no further: shifts pass over no border
            grown = inside.copy()
            before = inside.T if axis else inside
            after = grown.T if axis else grown
            after[step:] |= before[:-step]
            after[:-step] |= before[step:]
            inside = grown
            reached = reached + step
    return inside


def _geometry(runs: Runs, index: NDArray[np.int32], pixels: IntArray) -> NDArray[np.float64]:
    """The features of a mask by itself: (M, 18)."""
    height, width = index.shape
    count = len(pixels)
    group = runs.value  # (N,) in 0..M, 0 = no mask: dropped by [1:] below
    length = runs.stop - runs.start
    top, last_row = (values[1:] for values in extremes(group, runs.row, runs.row, count + 1))
    left, right = (values[1:] for values in extremes(group, runs.start, runs.stop, count + 1))
    bottom = last_row + 1
    spans = row_spans(runs, count + 1)[1:]
    inradius = _inradius(index, count)
    row = np.bincount(group, runs.row * length, count + 1)[1:]
    column = np.bincount(group, (runs.start + runs.stop - 1) / 2 * length, count + 1)[1:]
    features = (
        np.log(pixels),
        pixels / index.size,
        top / height,
        left / width,
        bottom / height,
        right / width,
        (bottom - top) / height,
        (right - left) / width,
        np.log((bottom - top) / (right - left)),
        pixels / ((bottom - top) * (right - left)),
        pixels / spans,
        np.log(count_parts(runs, count + 1)[1:]),
        np.log(inradius),
        inradius / np.sqrt(pixels),
        row / pixels / height,
        column / pixels / width,
        (top == 0).astype(int) + (left == 0) + (bottom == height) + (right == width),
        np.full(count, count),
    )
    return np.stack(features, axis=1)


def _inradius(index: NDArray[np.int32], count: int) -> NDArray[np.float64]:
    """(M,) chessboard distance in pixels from the innermost point of each mask to the nearest one outside it.

    Measured on every second row and column; a mask that lies between them all counts as 1 pixel deep.
    """
    thin = np.pad(index[::_THINNED, ::_THINNED], 1)
    level = (thin[:, :-2] == thin[:, 1:-1]) & (thin[:, 2:] == thin[:, 1:-1])
    upright = (thin[:-2, 1:-1] == thin[1:-1, 1:-1]) & (thin[2:, 1:-1] == thin[1:-1, 1:-1])
    # pixels whose four neighbours are of the same mask; the others are its rim, at depth 0
    inner = level[:-2] & level[1:-1] & level[2:] & upright
    depth = ndimage.distance_transform_cdt(inner, metric="chessboard").astype(np.int32)
    inradius = np.full(count + 1, -1, dtype=np.int32)
    np.maximum.at(inradius, thin[1:-1, 1:-1].ravel(), depth.ravel())
    return np.maximum(_THINNED * (inradius[1:] + 1), 1).astype(np.float64)


def _context(
    pixels: IntArray, label: IntArray, image_pixels: int, ring_unmasked: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The features of a mask among the others of its image: (M, 6)."""
    count = len(pixels)
    features = (
        (count - np.searchsorted(np.sort(pixels), pixels, side="right")) / max(count, 1),  # how many are larger
        pixels / pixels.max(initial=1),
        np.bincount(label)[label] if count else np.zeros(0),
        np.full(count, pixels.sum() / image_pixels),
        np.arange(count) / max(count, 1),
        ring_unmasked,
    )
    return np.stack(features, axis=1)
