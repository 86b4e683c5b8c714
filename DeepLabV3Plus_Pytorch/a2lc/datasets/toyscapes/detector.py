"""A simulated open-vocabulary detector: turns the exact objects of a scene into noisy pseudo-labels.

It errs as detectors do that are prompted with class names: it merges neighbours, overlooks things, gives whole masks
the name of a look-alike, and draws ragged borders. What it calls a mask depends on the class, on how odd the object
looks, and on its size.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from a2lc.datasets.toyscapes.canvas import Kind, Scene, SceneObject, smooth_noise
from a2lc.foundation.seeding import generator

VOID = 255
SMALLEST = 9 / (96 * 160)  # share of the picture below which nothing is found
OVERLOOKED = (0.0, 0.02, 0.04, 0.05, 0.0, 0.07, 0.12, 0.2, 0.12, 0.15, 0.05, 0.18)  # probability per class
SMALL, SMALL_RISK = 60 / (96 * 160), 1.6  # objects of a smaller share of the picture are misnamed that much more often
SWALLOWED = 0.35  # probability that the mask behind covers an overlooked object; otherwise it stays void
SAME_STUFF, SAME_THING = 0.85, 0.3  # probability that touching objects of one class share a mask
STUFF = (Kind.ROAD, Kind.SIDEWALK, Kind.BUILDING, Kind.VEGETATION, Kind.SKY)

# Wrong names per class, with their mean probabilities; the rest is named rightly.
CONFUSIONS: dict[Kind, tuple[tuple[Kind, float], ...]] = {
    Kind.ROAD: ((Kind.SIDEWALK, 0.16),),
    Kind.SIDEWALK: ((Kind.ROAD, 0.36), (Kind.BUILDING, 0.04)),
    Kind.BUILDING: ((Kind.VEGETATION, 0.14), (Kind.SKY, 0.1)),
    Kind.VEGETATION: ((Kind.BUILDING, 0.28), (Kind.SIDEWALK, 0.06)),
    Kind.SKY: ((Kind.BUILDING, 0.18),),
    Kind.CAR: ((Kind.BUS, 0.12), (Kind.BUILDING, 0.1)),
    Kind.PERSON: ((Kind.POLE, 0.16), (Kind.BICYCLE, 0.12)),
    Kind.POLE: ((Kind.VEGETATION, 0.22), (Kind.TRAFFIC_LIGHT, 0.1)),
    Kind.TRAFFIC_SIGN: ((Kind.TRAFFIC_LIGHT, 0.18), (Kind.BUILDING, 0.16)),
    Kind.TRAFFIC_LIGHT: ((Kind.TRAFFIC_SIGN, 0.55),),
    Kind.BUS: ((Kind.CAR, 0.55),),
    Kind.BICYCLE: ((Kind.PERSON, 0.4),),
}

# Neighbours of different classes that one mask may cover, with the probability.
FUSIONS = {
    (Kind.PERSON, Kind.BICYCLE): 0.15,
    (Kind.POLE, Kind.TRAFFIC_SIGN): 0.1,
    (Kind.POLE, Kind.TRAFFIC_LIGHT): 0.1,
    (Kind.CAR, Kind.BUS): 0.15,
    (Kind.BUILDING, Kind.VEGETATION): 0.03,
}


def detect(scene: Scene, seed: int, index: int) -> tuple[NDArray[np.uint8], NDArray[np.uint16]]:
    """Label a scene as a detector would.

    Args:
        scene: The scene.
        seed: Seed of the data set.
        index: Which scene it is.

    Returns:
        Label map (H, W) uint8, void (255) where no mask is, and mask map (H, W) uint16, ids from 1 and 0 = no mask.
    """
    rng = generator("toyscapes detector", seed, index)
    objects = scene.objects
    owner = sum(np.where(entry.mask, k, 0) for k, entry in enumerate(objects))
    borders = _borders(np.asarray(owner), len(objects))
    group = _merge(objects, borders, rng)
    covered_by = _find(objects, group, borders, rng)[owner]
    found = [number for number in np.unique(covered_by) if number >= 0]
    found.sort(key=lambda number: -np.count_nonzero(covered_by == number))
    labels = np.full(scene.labels.shape, VOID, dtype=np.uint8)
    masks = np.zeros(scene.labels.shape, dtype=np.uint16)
    for mask_id, number in enumerate(found, start=1):  # small masks over large ones
        region = _ragged(covered_by == number, rng)
        labels[region], masks[region] = _name(_largest(objects, group == number), rng), mask_id
    present = np.unique(masks[masks > 0])
    renumbered = np.zeros(len(found) + 1, dtype=np.uint16)
    renumbered[present] = np.arange(1, len(present) + 1)
    return labels, renumbered[masks]


def _borders(owner: NDArray[np.integer], count: int) -> NDArray[np.int64]:
    """(count, count): how many pairs of neighbouring pixels belong to object i and object j."""
    pairs = np.zeros((count, count), dtype=np.int64)
    for first, second in ((owner[:, 1:], owner[:, :-1]), (owner[1:], owner[:-1])):
        np.add.at(pairs, (first.ravel(), second.ravel()), 1)
    return pairs + pairs.T


def _largest(objects: tuple[SceneObject, ...], members: NDArray[np.bool_]) -> SceneObject:
    return max((objects[k] for k in np.flatnonzero(members)), key=lambda entry: int(entry.mask.sum()))


def _merge(objects: tuple[SceneObject, ...], borders: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """(K,) group of each object: objects of one group share a mask."""
    group = np.arange(len(objects))
    for first, second in np.argwhere(np.triu(borders, 1) > 0):
        kinds = sorted((Kind(objects[first].label), Kind(objects[second].label)))
        same = SAME_STUFF if kinds[0] in STUFF else SAME_THING
        chance = same if kinds[0] == kinds[1] else FUSIONS.get((kinds[0], kinds[1]), 0.0)
        if rng.random() < chance:
            group[group == group[second]] = group[first]
    return group


def _find(
    objects: tuple[SceneObject, ...],
    group: NDArray[np.int64],
    borders: NDArray[np.int64],
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """(K,) group whose mask covers each object, -1 = none."""
    smallest = SMALLEST * objects[0].mask.size
    missed = [
        number
        for number in np.unique(group)
        if sum(int(objects[k].mask.sum()) for k in np.flatnonzero(group == number)) < smallest
        or rng.random() < OVERLOOKED[_largest(objects, group == number).label]
    ]
    covered_by = np.where(np.isin(group, missed), -1, group)
    for number in missed:
        members = group == number
        touched = np.where(covered_by >= 0, borders[members].sum(axis=0), 0)
        if rng.random() < SWALLOWED and touched.any():
            covered_by[members] = group[touched.argmax()]
    return covered_by


def _name(entry: SceneObject, rng: np.random.Generator) -> int:
    """What the detector calls an object: odd ones get a wrong name up to three times as often as typical ones."""
    draw = rng.random()
    risk = (0.5 + entry.oddness) * (SMALL_RISK if entry.mask.mean() < SMALL else 1.0)
    for wrong, chance in CONFUSIONS[Kind(entry.label)]:
        draw -= chance * risk
        if draw < 0:
            return int(wrong)
    return entry.label


def _ragged(region: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.bool_]:
    """The region with rounded, wavering borders; thin regions waver less, so that something is left of them."""
    height, width = region.shape
    inner = region[1:, 1:] & region[:-1, :-1]
    thickness = region.sum() / max(1, int(region.sum()) - int(inner.sum()))
    radius = float(np.clip(0.22 * thickness, 0.25, 1.5)) * height / 96
    soft = np.asarray(Image.fromarray(region.astype(np.uint8) * 255).filter(ImageFilter.GaussianBlur(radius))) / 255
    waver = 0.16 * smooth_noise(rng, height, width, (3 * height / 96, 3 * height / 96)) + rng.normal(0.02, 0.06)
    return soft + np.clip(waver, -0.42, 0.42) > 0.5
