"""Folds: which network judges which image. It must not have seen it, but should know the classes in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping

from a2lc.foundation.errors import InputError
from a2lc.foundation.seeding import generator

_IMAGES = -1  # stands beside the classes for what every image has


def assign_folds(classes_of: Mapping[str, Collection[int]], folds: int, seed: int) -> dict[str, int]:
    """Deal the images into folds such that every class is spread over as many folds as it can be.

    Images are dealt in the order of their rarest class, each to the fold that has the fewest images of that class and,
    among equals, the fewest images.

    Args:
        classes_of: Image id → classes that occur in it.
        folds: K.
        seed: Decides the order within a class.

    Returns:
        Image id → fold, 0..K-1, in the order of `classes_of`; no fold is empty.

    Raises:
        InputError: When there are fewer images than folds.
    """
    if len(classes_of) < folds:
        raise InputError(
            f"{folds} folds need at least {folds} images but there are {len(classes_of)}: set --folds {len(classes_of)}"
            if len(classes_of) > 1
            else f"an audit needs at least 2 images, got {len(classes_of)}: add images with labels"
        )
    frequency = Counter(k for classes in classes_of.values() for k in classes)
    ids = list(classes_of)
    shuffled = [ids[index] for index in generator(seed, "audit", "folds").permutation(len(ids))]
    rarest = {
        image_id: min(((frequency[k], k) for k in classes_of[image_id]), default=(0, _IMAGES)) for image_id in ids
    }
    held = [Counter[int]() for _ in range(folds)]
    fold_of = {}
    for image_id in sorted(shuffled, key=lambda image_id: rarest[image_id]):
        k = rarest[image_id][1]
        fold = min(range(folds), key=lambda fold: (held[fold][k], held[fold][_IMAGES]))
        held[fold].update({*classes_of[image_id], _IMAGES})
        fold_of[image_id] = fold
    return {image_id: fold_of[image_id] for image_id in ids}


def unseen_classes(classes_of: Mapping[str, Collection[int]], fold_of: Mapping[str, int]) -> set[tuple[int, int]]:
    """(fold, class) for every class whose images all lie in that fold: the network that judges it never saw it."""
    folds_of: dict[int, set[int]] = {}
    for image_id, classes in classes_of.items():
        for k in classes:
            folds_of.setdefault(k, set()).add(fold_of[image_id])
    return {(fold, k) for k, folds in folds_of.items() if len(folds) == 1 for fold in folds}
