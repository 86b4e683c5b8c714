"""The acquisition functions once more, pixel by pixel from their formulas, with nothing of the package's own."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

Pixel = tuple[int, int]


@dataclass(frozen=True)
class Picture:
    """An image as the formulas see it: f (C, H, W), y (H, W) with 255 = void, mask ids (H, W)."""

    f: np.ndarray
    labels: np.ndarray
    masks: np.ndarray

    def vector(self, x: Pixel) -> np.ndarray:
        return self.f[:, x[0], x[1]].astype(np.float64)

    def predicted(self, x: Pixel) -> int:
        return int(np.argmax(self.f[:, x[0], x[1]]))

    def y(self, x: Pixel) -> int:
        return self.predicted(x) if self.labels[x] == 255 else int(self.labels[x])

    def c(self, x: Pixel) -> float:
        return 1 - float(self.f[self.y(x), x[0], x[1]])

    @cached_property
    def pixels(self) -> list[Pixel]:
        return [(row, column) for row in range(self.labels.shape[0]) for column in range(self.labels.shape[1])]

    def mask(self, mask: int) -> list[Pixel]:
        return [x for x in self.pixels if self.masks[x] == mask]

    def core(self, m: list[Pixel]) -> list[Pixel]:
        votes = [sum(self.predicted(x) == k for x in m) for k in range(len(self.f))]
        return [x for x in m if self.predicted(x) == votes.index(max(votes))]

    def core_mean(self, m: list[Pixel]) -> np.ndarray:
        return np.mean([self.vector(x) for x in self.core(m)], axis=0)

    def representative(self, m: list[Pixel]) -> Pixel:
        mean = self.core_mean(m)
        return max(self.core(m), key=lambda x: cosine(mean, self.vector(x)))  # max keeps the first of equals

    @cached_property
    def label_components(self) -> list[set[Pixel]]:
        return components(self.pixels, self.y)

    @cached_property
    def predicted_components(self) -> list[set[Pixel]]:
        return components(self.pixels, self.predicted)


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / math.sqrt(a @ a) / math.sqrt(b @ b))


def components(pixels: Iterable[Pixel], value: Callable[[Pixel], int]) -> list[set[Pixel]]:
    """4-connected regions of equal value, by flooding."""
    left, found = set(pixels), []
    while left:
        region, border = set(), [left.pop()]
        while border:
            x = border.pop()
            region.add(x)
            row, column = x
            near = {(row + 1, column), (row - 1, column), (row, column + 1), (row, column - 1)} & left
            near = {n for n in near if value(n) == value(x)}
            left -= near
            border += near
        found.append(region)
    return found


def abc(p: Picture, m: list[Pixel], w: np.ndarray) -> float:
    mean = p.core_mean(m)
    return sum(cosine(mean, p.vector(x)) * w[p.y(x)] * p.c(x) for x in m)


def sim(p: Picture, m: list[Pixel], w: np.ndarray) -> float:
    asked = p.vector(p.representative(m))
    return sum(cosine(asked, p.vector(x)) * p.c(x) for x in m)


def cil(p: Picture, m: list[Pixel], w: np.ndarray) -> float:
    return p.c(p.representative(m))


def lcil(p: Picture, m: list[Pixel], w: np.ndarray) -> float:
    return sum(p.c(x) for x in m) / len(m)


def softmin(p: Picture, m: list[Pixel], w: np.ndarray) -> float:
    s = [1 - p.c(x) for x in m]
    v = [math.exp((1 - each) / 0.1) for each in s]
    return 1 - sum(a * b for a, b in zip(s, v, strict=True)) / sum(v)


def aiou(p: Picture, m: list[Pixel], w: np.ndarray) -> float:
    total = 0.0
    for x in m:
        component = next(component for component in p.label_components if x in component)
        total += sum(p.c(z) for z in component) / len(component)
    return total / len(m)


def aiou_adjusted(p: Picture, m: list[Pixel], w: np.ndarray) -> float:
    total = 0.0
    for x in m:
        k = next(component for component in p.predicted_components if x in component)
        of_class = p.predicted(x)
        touching = [t for t in p.label_components if t & k and p.y(next(iter(t))) == of_class]
        near = set().union(*touching)
        others = [
            q for q in p.predicted_components if q is not k and q & near and p.predicted(next(iter(q))) == of_class
        ]
        total += 1 - len(k & near) / len(k | (near - set().union(*others)))
    return total / len(m)


def entropy(p: Picture, m: list[Pixel], w: np.ndarray) -> float:
    return sum(-sum(v * math.log(v) for v in p.vector(x) if v > 0) for x in m) / len(m)


def margin(p: Picture, m: list[Pixel], w: np.ndarray) -> float:
    best = [sorted(p.vector(x))[-2:] for x in m]
    return sum(1 - (first - second) for second, first in best) / len(m)


def area(p: Picture, m: list[Pixel], w: np.ndarray) -> float:
    return len(m)


FORMULAS = {
    "abc": abc, "sim": sim, "cil": cil, "lcil": lcil, "softmin": softmin, "aiou": aiou,
    "aiou_adjusted": aiou_adjusted, "entropy": entropy, "margin": margin, "area": area,
}  # fmt: skip


def make_case(seed: int, classes: int = 5, size: tuple[int, int] = (9, 11), masks: int = 6) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (classes, *size))
    probabilities = np.exp(logits) / np.exp(logits).sum(0)
    labels = rng.integers(0, classes, size).astype(np.uint8)
    labels[rng.random(size) < 0.1] = 255
    ids = rng.choice([0, 1, 2, 5, 300, 301, 4000][: masks + 1], size)
    return probabilities.astype(np.float32), labels, ids.astype(np.int32)
