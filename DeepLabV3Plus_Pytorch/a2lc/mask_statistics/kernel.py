"""Passes over the probabilities of an image on the CPU, compiled.

The pixels of the masks come as spans (`spans.Spans`): neighbours that belong to one mask. Within a span every inner
loop goes over consecutive memory with nothing to look up, so that it runs at the width of the vector unit. Channels are
the outer loop and a tile of pixels the inner one: what is kept of a tile stays in the nearest cache.

All functions work on the spans first..last-1 of arrays start, index and mask, as `Spans` has them. Notation as in
`mask_statistics`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from a2lc.foundation.compiled import compiled

TILE = 2048  # pixels at a time, and the longest span
SUM_TOLERANCE = 1e-2  # of the sum of a pixel's probabilities
_VOID = np.float32(-0.5)  # void among labels: a number that none can be

_exact = compiled(nogil=True)  # equal pixels get equal values, wherever they lie
# sums may be taken in the order of the vector unit
_summing = compiled(nogil=True, fastmath={"reassoc", "nsz", "contract"})


@_exact
def _stretch(start: Any, index: Any, first: int, last: int) -> int:
    """End of the spans from `first` on that go on without a gap, and hold at most a tile of pixels."""
    end = first + 1
    while end < last and index[end + 1] - index[first] <= TILE:
        if start[end] != start[end - 1] + index[end] - index[end - 1]:
            break
        end += 1
    return end


@_exact
def _batch(index: Any, first: int, last: int) -> int:
    """End of the spans from `first` on that hold at most a tile of pixels, gaps or not."""
    end = first + 1
    while end < last and index[end + 1] - index[first] <= TILE:
        end += 1
    return end


@_exact
def _look(one: Any, two: Any, k: Any, label: Any, best: Any, which: Any, total: Any, square: Any, own: Any) -> None:
    """Take in channels k and k + 1 of a tile: two at a time, because what is kept of a pixel is read and written."""
    for i in range(len(one)):
        a = one[i]
        b = two[i]
        highest = best[i]
        of = which[i]  # the class that `highest` belongs to
        of = k if a > highest else of
        highest = a if a > highest else highest
        which[i] = k + np.float32(1) if b > highest else of
        best[i] = b if b > highest else highest
        total[i] += a + b
        square[i] += a * a + b * b
        # times 0 or 1: an addition under a condition would not be done for many pixels at once
        own[i] += a * np.float32(label[i] == k) + b * np.float32(label[i] == k + np.float32(1))


@_summing
def _faults(total: Any, label: Any, classes: Any) -> Any:
    """How many pixels have probabilities that do not sum to 1, NaN included, or a label that is no class."""
    found = np.float32(0)
    for i in range(len(total)):
        sums = np.float32(abs(total[i] - np.float32(1)) <= np.float32(SUM_TOLERANCE))
        known = np.float32(label[i] >= 0) * np.float32(label[i] < classes) + np.float32(label[i] == _VOID)
        found += np.float32(1) - sums * known
    return found


@_exact
def _finish(label: Any, best: Any, which: Any, own: Any, norm: Any, current: Any, predicted: Any, known: Any) -> None:
    """Write down what a tile came to; norm comes as the sum of squares, and current is there."""
    for i in range(len(label)):
        norm[i] = np.sqrt(norm[i])
        own[i] += best[i] * np.float32(label[i] == _VOID)
    for i in range(len(label)):
        predicted[i] = which[i]
        known[i] = which[i] if label[i] == _VOID else label[i]


@_exact
def describe(
    image: Any, labels: Any, void: int, start: Any, index: Any, first: int, last: int,
    current: Any, predicted: Any, known: Any, own: Any, norm: Any, faults: Any,
) -> None:  # fmt: skip
    """ŷ(x) = argmax f(x), y(x) with void replaced by it, f_y(x)(x) and |f(x)| of the pixels of a band.

    Args:
        image: (C, H·W) float32, f.
        labels: (H·W,) y.
        void: Index of void.
        start, index, first, last: The spans of the band.
        current, predicted, known: (N,) int16 to fill: y, ŷ, and y with void replaced by ŷ.
        own, norm: (N,) float32 to fill.
        faults: (1,) to raise by the number of pixels whose f or y cannot be.
    """
    classes = len(image)
    best = np.empty(TILE, np.float32)  # max over the channels seen so far
    which = np.empty(TILE, np.float32)  # the channel that has it
    total = np.empty(TILE, np.float32)  # sum over the channels seen so far
    label = np.empty(TILE, np.float32)  # y, as a float: the loops over channels know one type alone
    nothing = np.zeros(TILE, np.float32)  # beside the last of an odd number of channels
    begin = first
    while begin < last:
        end = _stretch(start, index, begin, last)
        here = start[begin]  # where the tile begins in the image
        o = index[begin]  # and o..p-1 are its pixels among the N
        p = index[end]
        n = p - o
        best[:n] = -1
        which[:n] = 0
        total[:n] = 0
        own[o:p] = 0
        norm[o:p] = 0
        for i in range(n):
            y = labels[here + i]
            current[o + i] = y
            label[i] = _VOID if y == void else y
        for k in range(0, classes, 2):
            one = image[k][here : here + n]  # (n,), consecutive in memory
            two = image[k + 1][here : here + n] if k + 1 < classes else nothing[:n]
            _look(one, two, np.float32(k), label, best, which, total, norm[o:p], own[o:p])
        faults[0] += _faults(total[:n], label, np.float32(classes))
        _finish(label[:n], best, which, own[o:p], norm[o:p], current[o:p], predicted[o:p], known[o:p])
        begin = end


@_summing
def sum_probabilities(
    image: Any, start: Any, index: Any, mask: Any, first: int, last: int, predicted: Any, dominant: Any, sums: Any
) -> None:
    """Add to sums (2, C, M) float64 the sums of f over m, and over the core m' = {x in m : ŷ(x) = dom(m)}."""
    core = np.empty(TILE, np.float32)  # 1 in the core, else 0: a product has no condition
    begin = first
    while begin < last:
        end = _batch(index, begin, last)
        for r in range(begin, end):
            o = index[r] - index[begin]
            for i in range(index[r + 1] - index[r]):
                core[o + i] = predicted[index[r] + i] == dominant[mask[r]]
        for channel in range(len(image)):
            for r in range(begin, end):
                size = index[r + 1] - index[r]
                row = image[channel][start[r] : start[r] + size]
                inside = core[index[r] - index[begin] : index[r + 1] - index[begin]]
                of_all = np.float32(0)
                of_core = np.float32(0)
                for i in range(size):
                    of_all += row[i]
                    of_core += row[i] * inside[i]
                sums[0, channel, mask[r]] += of_all
                sums[1, channel, mask[r]] += of_core
        begin = end


@_exact
def similarity(
    image: Any, start: Any, index: Any, mask: Any, first: int, last: int, unit: Any, norm: Any, cosine: Any
) -> None:
    """Fill cosine (N,) float32: sum over k of u_k(m) f_k(x) / |f(x)|, for references unit (C, M) of length 1."""
    begin = first
    while begin < last:
        end = _batch(index, begin, last)
        cosine[index[begin] : index[end]] = 0
        for k in range(0, len(image), 2):
            both = k + 1 < len(image)
            one = image[k]  # (H·W,)
            two = image[k + 1 if both else k]
            for r in range(begin, end):
                size = index[r + 1] - index[r]
                p = start[r]
                dot = cosine[index[r] : index[r + 1]]  # (size,)
                u = unit[k, mask[r]]
                v = unit[k + 1, mask[r]] if both else np.float32(0)
                a = one[p : p + size]
                b = two[p : p + size]
                for i in range(size):
                    dot[i] += u * a[i] + v * b[i]
        for i in range(index[begin], index[end]):
            cosine[i] /= norm[i]
        begin = end


@_exact
def first_best(
    index: Any, mask: Any, first: int, last: int, values: Any, predicted: Any, dominant: Any, best: Any, where: Any
) -> None:
    """Fill best, where (M,): the largest value in the core of a mask, and the index of the first pixel that has it."""
    for r in range(first, last):
        m = mask[r]
        highest = best[m]
        at = where[m]
        for i in range(index[r], index[r + 1]):
            if values[i] > highest and predicted[i] == dominant[m]:
                highest = values[i]
                at = i
        best[m] = highest
        where[m] = at


@_exact
def count(index: Any, mask: Any, first: int, last: int, values: Any, counts: Any) -> None:
    """Add to counts (M, K) how often a mask has each of the values 0..K-1."""
    for r in range(first, last):
        i = index[r]
        while i < index[r + 1]:
            begin = i
            value = values[i]
            while i < index[r + 1] and values[i] == value:  # neighbours are alike: one addition for all of them
                i += 1
            counts[mask[r], value] += i - begin


@_summing
def add_up(index: Any, mask: Any, first: int, last: int, values: Any, sums: Any) -> None:
    """Add to sums (M,) float64 the values (N,) of the pixels of each mask."""
    for r in range(first, last):
        part = values[index[r] : index[r + 1]]
        total = 0.0
        for i in range(len(part)):
            total += part[i]
        sums[mask[r]] += total


@_exact
def look_up(index: Any, first: int, last: int, table: Any, key: Any, found: Any) -> None:
    """Fill found (N,) with table[key]."""
    for i in range(index[first], index[last]):
        found[i] = table[key[i]]
