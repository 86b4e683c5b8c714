"""Who chooses the masks: the answer posterior, and what it has to be compared with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from a2lc.foundation.parallel import check_parallel
from a2lc.foundation.seeding import generator
from a2lc.posterior import Belief, MaskPool, PosteriorModel, PosteriorSettings, one_hot, score_masks
from a2lc.simulation.truth import IntArray, MaskTruth, SimulatedAnswers


@dataclass(frozen=True)
class Step:
    """What a strategy makes of the answers: a label (M,) and a score (M,) for every mask; -inf = not to be asked."""

    label: IntArray
    score: NDArray[np.float64]

    def __post_init__(self) -> None:
        """Refuse arrays that are not parallel."""
        check_parallel(self, "label", "score")


Strategy = Callable[[IntArray], Step]  # of the votes (M, C + 1)


@dataclass(frozen=True)
class Curve:
    """Label quality against clicks, the start included.

    Attributes:
        clicks: (K,) int64.
        mean_iou: (K,) data mIoU in [0, 1].
        label: (M,) labels at the end.
    """

    clicks: IntArray
    mean_iou: NDArray[np.float64]
    label: IntArray

    def __post_init__(self) -> None:
        """Refuse arrays that are not parallel."""
        check_parallel(self, "clicks", "mean_iou")

    def mean_iou_at(self, clicks: float) -> float:
        """Data mIoU after so many clicks, linear between batches; that of the end where the curve ends earlier."""
        return float(np.interp(clicks, self.clicks, self.mean_iou))

    def clicks_to(self, level: float) -> float:
        """Clicks at which the data mIoU first reaches a level, linear between batches; inf where it never does."""
        reached = np.flatnonzero(self.mean_iou >= level)
        if not len(reached):
            return np.inf
        after = reached[0]
        if after == 0:
            return 0.0
        between = slice(after - 1, after + 1)
        return float(np.interp(level, self.mean_iou[between], self.clicks[between]))


def by_posterior(pool: MaskPool, settings: PosteriorSettings, seed: int) -> Strategy:
    """The answer posterior: labels and order are renewed after every batch."""
    model = PosteriorModel(pool, settings, seed)

    def step(votes: IntArray) -> Step:
        belief = model.update(votes)
        return Step(belief.label, model.score(belief))

    return step


def by_fixed_order(pool: MaskPool, score: NDArray[np.float64]) -> Strategy:
    """One order for all time, and nothing learned: by area, or random."""

    def step(votes: IntArray) -> Step:
        asked = votes.sum(axis=1) > 0
        return Step(np.where(asked, votes.argmax(axis=1), pool.label), np.where(asked, -np.inf, score))

    return step


def by_truth(pool: MaskPool, truth: MaskTruth) -> Strategy:
    """Perfect selection: the score of the posterior with the truth in its place, and nothing propagated."""
    probability = one_hot(truth.majority, pool.num_classes)

    def step(votes: IntArray) -> Step:
        asked = votes.sum(axis=1)
        label = np.where(asked > 0, votes.argmax(axis=1), pool.label)
        return Step(label, score_masks(pool, Belief(probability, label, asked), PosteriorSettings()))

    return step


def random_scores(pool: MaskPool, seed: int) -> NDArray[np.float64]:
    """(M,) uniform in [0, 1)."""
    return generator("random masks", seed).random(len(pool))


def simulate(
    pool: MaskPool, truth: MaskTruth, answers: SimulatedAnswers, strategy: Strategy, budget: int, batch: int
) -> Curve:
    """Ask in batches until the budget is spent or no mask is left.

    Args:
        pool: The masks.
        truth: Measures the labels.
        answers: Who answers.
        strategy: Who chooses.
        budget: Clicks; every answer is one, also a second one about the same mask.
        batch: Clicks from one step of the strategy to the next.
    """
    votes = np.zeros((len(pool), pool.num_classes + 1), dtype=np.int64)  # (M, C + 1), void last
    ties = np.lexsort((pool.mask_id, np.array(pool.image_id)[pool.image]))  # as everywhere: by image id, then mask id
    step = strategy(votes)
    clicks = [0]
    quality = [truth.confusion(step.label).mean_iou()]
    while clicks[-1] < budget:
        # a stable sort of masks that stand in the order of `ties` leaves those of equal score in it
        order = ties[np.argsort(-step.score[ties], kind="stable")]
        chosen = order[: min(batch, budget - clicks[-1])]
        chosen = chosen[np.isfinite(step.score[chosen])]
        if not len(chosen):
            break
        votes[chosen, answers(chosen, step.label[chosen], votes[chosen].sum(axis=1))] += 1
        step = strategy(votes)
        clicks.append(clicks[-1] + len(chosen))
        quality.append(truth.confusion(step.label).mean_iou())
    return Curve(np.array(clicks), np.array(quality), step.label)
