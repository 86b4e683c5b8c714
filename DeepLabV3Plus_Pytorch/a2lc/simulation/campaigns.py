"""Running a simulation: from masks and ground truth to tables and a figure."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from a2lc.classes import load_classes
from a2lc.datasets import read_id_list
from a2lc.formats import Reading, open_labels
from a2lc.foundation.bars import bar
from a2lc.foundation.errors import InputError
from a2lc.foundation.seeding import generator
from a2lc.labels.store import open_pseudo_labels
from a2lc.posterior import MaskPool
from a2lc.simulation.figure import plot_curves
from a2lc.simulation.settings import SimulationSettings, StrategyName
from a2lc.simulation.strategies import Curve, Strategy, by_fixed_order, by_posterior, by_truth, random_scores, simulate
from a2lc.simulation.tables import Campaign, SubsetResult, write_curves, write_subsets
from a2lc.simulation.truth import MaskTruth, SimulatedAnswers, read_masks

_log = logging.getLogger(__name__)
_SEEDED = ("random", "posterior_checked")  # strategies that differ between seeds although all answers are right


@dataclass(frozen=True)
class Masks:
    """A pool and its ground truth."""

    pool: MaskPool
    truth: MaskTruth

    def subset(self, images: NDArray[np.int64]) -> Masks:
        """The masks of some images, by position."""
        chosen = sorted(images.tolist())
        return Masks(self.pool.subset(chosen), self.truth.subset(self.pool, chosen))


def run_simulation(settings: SimulationSettings, command: str) -> Path:
    """Simulate, and write curves.csv, summary.md and miou.png (or subsets.csv and summary.md) to results/<experiment>/.

    Raises:
        InputError: When data is missing or does not fit, or no mask is left to ask about.
    """
    classes = load_classes(settings.classes)
    labels = open_pseudo_labels(settings.pseudo_labels)
    ids = read_id_list(settings.ids) if settings.ids else tuple(labels.image_ids())
    truth = open_labels(settings.truth, Reading(classes))
    masks = Masks(*read_masks(labels, truth, ids, classes))
    allowed = np.array([_chosen(image_id, settings.images) for image_id in ids])
    if not np.isin(masks.pool.image, np.flatnonzero(allowed)).any():
        raise InputError(
            f"{settings.pseudo_labels} has no mask in the {allowed.sum()} images of images={settings.images}: "
            "name other images, or masks that are not empty"
        )
    folder = settings.output / "results" / settings.experiment
    if settings.subsets:
        size = round(settings.subset_share * len(ids))
        results = list(_subset_results(masks, np.flatnonzero(allowed), size, settings))
        write_subsets(folder, results, settings, classes, command)
        return folder
    masks = masks.subset(np.flatnonzero(allowed))
    campaigns = [
        campaign
        for error_rate in settings.error_rates
        for strategy in settings.strategies
        for campaign in _campaigns(masks, strategy, error_rate, settings)
    ]
    write_curves(folder, campaigns, settings, len(masks.pool), command)
    plot_curves(folder / "miou.png", campaigns, settings.published if settings.images == "all" else ())
    return folder


def is_held_out(image_id: str) -> bool:
    """Whether an image belongs to the third that nothing was developed on: a hash of its id says so."""
    return int(hashlib.blake2b(image_id.encode(), digest_size=8).hexdigest(), 16) % 3 == 0


def _chosen(image_id: str, which: str) -> bool:
    """Whether an image is among those of images=all, held_out or the rest."""
    return which == "all" or is_held_out(image_id) == (which == "held_out")


def _campaigns(masks: Masks, name: StrategyName, error_rate: float, settings: SimulationSettings) -> Iterator[Campaign]:
    """One per seed; where no choice is random, one curve stands for all seeds."""
    curve = None
    for seed in settings.seeds:
        if curve is None or error_rate or name in _SEEDED:
            _log.info("%s, %g %% wrong answers, seed %d", name, 100 * error_rate, seed)
            curve = run_strategy(masks, name, error_rate, seed, settings)
        yield Campaign(name, error_rate, seed, curve)


def run_strategy(masks: Masks, name: StrategyName, error_rate: float, seed: int, settings: SimulationSettings) -> Curve:
    """One campaign of one strategy."""
    budget = settings.budget or round(settings.budget_share * len(masks.pool))
    batch = round(budget / settings.rounds) if name == "posterior_rounds" else round(settings.batch_share * budget)
    answers = SimulatedAnswers(masks.truth, error_rate, seed)
    strategy = _strategy(masks, name, seed, settings)
    return simulate(masks.pool, masks.truth, answers, strategy, budget, max(batch, 1))


def _strategy(masks: Masks, name: StrategyName, seed: int, settings: SimulationSettings) -> Strategy:
    """The strategy of a name; only the one that is asked for is made."""
    pool = masks.pool
    checked = settings.posterior.model_copy(update={"error_rate": settings.checked_error_rate})
    make = {
        "posterior": partial(by_posterior, pool, settings.posterior, seed),
        "posterior_rounds": partial(by_posterior, pool, settings.posterior, seed),
        "posterior_checked": partial(by_posterior, pool, checked, seed),
        "area": partial(by_fixed_order, pool, pool.pixels.astype(np.float64)),
        "random": partial(by_fixed_order, pool, random_scores(pool, seed)),
        "perfect": partial(by_truth, pool, masks.truth),
    }
    return make[name]()


def _subset_results(
    masks: Masks, allowed: NDArray[np.int64], size: int, settings: SimulationSettings
) -> Iterator[SubsetResult]:
    """Area and the posterior on random subsets of the allowed images, `size` images each."""
    for index in bar(range(settings.subsets), "subsets", unit="subset"):
        images = generator("subset of images", index).choice(allowed, min(size, len(allowed)), replace=False)
        subset = masks.subset(images)
        area = run_strategy(subset, "area", 0.0, settings.seeds[0], settings)
        ours = run_strategy(subset, "posterior", 0.0, settings.seeds[0], settings)
        classes = subset.pool.num_classes
        yield SubsetResult(
            masks=len(subset.pool),
            budget=int(area.clicks[-1]),
            area=float(area.mean_iou[-1]),
            posterior=float(ours.mean_iou[-1]),
            clicks=ours.clicks_to(float(area.mean_iou[-1])),
            true_masks=np.bincount(subset.truth.majority, minlength=classes + 1)[:classes],
            area_iou=subset.truth.confusion(area.label).iou(),
            posterior_iou=subset.truth.confusion(ours.label).iou(),
        )
