"""Spans: the pixels of masks as stretches of neighbours, and what is computed from them with all cores.

A span is what a run-length code calls a run. Work is shared out in bands, ranges of spans that depend on the picture
alone. Every band has sums of its own, and they are added up in the order of the bands: no result depends on how many
threads there are, or on which was faster.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from a2lc.foundation.parallel import check_parallel
from a2lc.mask_statistics import kernel
from a2lc.mask_statistics.kernel import TILE

_BANDS = 16  # at most
_BAND_PIXELS = 16384  # at least, in a band
_THREAD_PIXELS = 100_000  # a thread pays from so many on

Number = TypeVar("Number", bound=np.generic)


@dataclass(frozen=True)
class Described:
    """What one pass over an image tells of each of N pixels.

    Attributes:
        labels, predicted, known: (N,) int16, y, ŷ, and y with void replaced by ŷ.
        own: (N,) float32, f_y(x)(x), of ŷ where y is void.
        norm: (N,) float32, |f(x)|.
        faults: How many pixels have an f that does not sum to 1, or a y that is neither a class nor void.
    """

    labels: NDArray[np.int16]
    predicted: NDArray[np.int16]
    known: NDArray[np.int16]
    own: NDArray[np.float32]
    norm: NDArray[np.float32]
    faults: int

    def __post_init__(self) -> None:
        """Refuse arrays that are not parallel."""
        check_parallel(self, "labels", "predicted", "known", "own", "norm")

    @classmethod
    def empty(cls, pixels: int) -> Self:
        """Arrays of so many pixels, yet to be filled."""
        return cls(
            labels=np.empty(pixels, np.int16),
            predicted=np.empty(pixels, np.int16),
            known=np.empty(pixels, np.int16),
            own=np.empty(pixels, np.float32),
            norm=np.empty(pixels, np.float32),
            faults=0,
        )


@dataclass(frozen=True)
class Spans:
    """N pixels in M masks, as R spans of at most `TILE` consecutive positions.

    Attributes:
        start: (R,) int64, row-major position of the first pixel.
        index: (R + 1,) int64, index of the first pixel among the N; N at the end.
        mask: (R,) int64, index 0..M-1 of the mask.
        masks: M.
    """

    start: NDArray[np.int64]
    index: NDArray[np.int64]
    mask: NDArray[np.int64]
    masks: int

    def __post_init__(self) -> None:
        """Refuse arrays that are not parallel."""
        check_parallel(self, "start", "mask")
        if len(self.index) != len(self.start) + 1:
            raise ValueError(f"index must have {len(self.start) + 1} entries, not {len(self.index)}")

    def __len__(self) -> int:
        """N."""
        return int(self.index[-1])

    @cached_property
    def edges(self) -> NDArray[np.int64]:
        """(B + 1,) first spans of the B bands; R at the end."""
        bands = min(max(len(self) // _BAND_PIXELS, 1), _BANDS)
        # the spans in which the b-th of equal shares of the pixels begins: (B,)
        edges = np.searchsorted(self.index[:-1], np.arange(bands) * len(self) // bands)
        return np.append(edges, len(self.start))

    def positions(self) -> NDArray[np.int64]:
        """Row-major position of every pixel, (N,)."""
        return np.arange(len(self)) + np.repeat(self.start - self.index[:-1], np.diff(self.index))

    def position_of(self, pixel: NDArray[np.int64]) -> NDArray[np.int64]:
        """Row-major positions of some of the N pixels."""
        span = np.searchsorted(self.index, pixel, side="right") - 1
        return self.start[span] + pixel - self.index[span]

    def describe(self, image: NDArray[np.float32], labels: NDArray[np.integer], void: int) -> Described:
        """The pixels of an image f (C, H·W) with labels y (H·W,)."""
        described = Described.empty(len(self))
        filled = described.labels, described.predicted, described.known, described.own, described.norm
        faults = self._per_band(0, np.int64, 1)
        self._in_bands(
            lambda band, first, last: kernel.describe(
                image, labels, void, self.start, self.index, first, last, *filled, faults[band]
            )
        )
        return replace(described, faults=int(faults.sum()))

    def sum_probabilities(
        self, image: NDArray[np.float32], predicted: NDArray[np.int16], dominant: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """(2, C, M) sums of f over the pixels of each mask, and over those predicted as dominant (M,)."""
        sums = self._per_band(0, np.float64, 2, len(image), self.masks)
        self._in_bands(
            lambda band, first, last: kernel.sum_probabilities(
                image, self.start, self.index, self.mask, first, last, predicted, dominant, sums[band]
            )
        )
        total: NDArray[np.float64] = sums.sum(0)
        return total

    def similarity(
        self, image: NDArray[np.float32], unit: NDArray[np.float32], norm: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """(N,) cosines between f(x) of length norm(x) and the mask's column of unit (C, M)."""
        cosine = np.empty(len(self), np.float32)
        self._in_bands(
            lambda _, first, last: kernel.similarity(
                image, self.start, self.index, self.mask, first, last, unit, norm, cosine
            )
        )
        return cosine

    def first_best(
        self, values: NDArray[np.float32], predicted: NDArray[np.int16], dominant: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """(M,) index of the first pixel of largest value among those predicted as dominant (M,)."""
        best = self._per_band(-np.inf, np.float32, self.masks)  # (B, M)
        where = self._per_band(0, np.int64, self.masks)  # (B, M)
        self._in_bands(
            lambda band, first, last: kernel.first_best(
                self.index, self.mask, first, last, values, predicted, dominant, best[band], where[band]
            )
        )
        # bands are in the order of the pixels, so that the first of equal ones has the first pixel
        return where[best.argmax(0), np.arange(self.masks)]

    def count(self, values: NDArray[np.int16], size: int) -> NDArray[np.int64]:
        """(M, size) how often a mask has each of the values 0..size-1."""
        counts = self._per_band(0, np.int32, self.masks, size)
        self._in_bands(lambda band, first, last: kernel.count(self.index, self.mask, first, last, values, counts[band]))
        total: NDArray[np.int64] = counts.sum(0, dtype=np.int64)
        return total

    def sum(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """(M,) sums of (N,) values."""
        sums = self._per_band(0, np.float64, self.masks)
        self._in_bands(lambda band, first, last: kernel.add_up(self.index, self.mask, first, last, values, sums[band]))
        total: NDArray[np.float64] = sums.sum(0)
        return total

    def look_up(self, table: NDArray[np.float32], key: NDArray[np.int16]) -> NDArray[np.float32]:
        """(N,) table[key]."""
        found = np.empty(len(self), np.float32)
        self._in_bands(lambda _, first, last: kernel.look_up(self.index, first, last, table, key, found))
        return found

    def _per_band(self, value: float, dtype: type[Number], *shape: int) -> NDArray[Number]:
        """(B, *shape) of a value: what every band adds up for itself."""
        return np.full((len(self.edges) - 1, *shape), value, dtype)

    def _in_bands(self, work: Callable[[int, int, int], object]) -> None:
        """Call work(band, first span, end of spans) for all bands, on as many threads as torch may use."""
        bands = list(zip(range(len(self.edges) - 1), self.edges[:-1], self.edges[1:], strict=True))
        threads = min(torch.get_num_threads(), len(bands), max(1, len(self) // _THREAD_PIXELS))

        def share(thread: int) -> None:
            """Every so many-th band."""
            for band in bands[thread::threads]:
                work(*band)

        if threads == 1:
            share(0)
            return
        with ThreadPoolExecutor(threads - 1) as pool:
            others = [pool.submit(share, thread) for thread in range(1, threads)]
            share(0)
            for other in others:
                other.result()


def spans_of_map(masks: NDArray[np.integer]) -> tuple[NDArray[np.int64], Spans]:
    """The ids present in a flat mask map (H·W,), ascending, and the spans of their pixels; 0 and below is no mask."""
    start = _starts(masks[1:] != masks[:-1], len(masks))
    length = np.diff(start, append=len(masks))
    covered = masks[start] > 0
    mask_id, mask = np.unique(masks[start[covered]], return_inverse=True)
    return mask_id.astype(np.int64), _cut(start[covered], length[covered], mask, len(mask_id))


def spans_at(position: NDArray[np.int64], mask: NDArray[np.int64], masks: int) -> Spans:
    """Spans of the pixels at these positions (N,), in this order, each in its mask (N,) of so many."""
    start = _starts((position[1:] != position[:-1] + 1) | (mask[1:] != mask[:-1]), len(mask))
    return _cut(position[start], np.diff(start, append=len(mask)), mask[start], masks)


def _starts(changes: NDArray[np.bool_], size: int) -> NDArray[np.int64]:
    """Indices of the first of `size` pixels and of every pixel behind a change; (size - 1,) bool between neighbours."""
    return np.concatenate([np.zeros(min(size, 1), np.int64), np.flatnonzero(changes) + 1])


def _cut(start: NDArray[np.int64], length: NDArray[np.int64], mask: NDArray[np.int64], masks: int) -> Spans:
    """Spans of these lengths; the long ones in pieces."""
    pieces = -(-length // TILE)  # (R,), rounded up
    if pieces.max(initial=1) > 1:
        # pixels of the same span that lie before each piece: TILE times its number within the span
        before = TILE * (np.arange(pieces.sum()) - np.repeat(np.cumsum(pieces) - pieces, pieces))
        length = np.minimum(np.repeat(length, pieces) - before, TILE)
        start = np.repeat(start, pieces) + before
        mask = np.repeat(mask, pieces)
    return Spans(start, np.concatenate([np.zeros(1, np.int64), np.cumsum(length)]), mask, masks)
