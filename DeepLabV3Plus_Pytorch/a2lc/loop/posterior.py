"""The answer posterior as a learner: all answers in, the order of the next questions and new labels out."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from a2lc.foundation.bars import bar
from a2lc.foundation.files import is_there
from a2lc.foundation.ids import MaskKey
from a2lc.posterior import Belief, ImageMasks, MaskPool, PosteriorModel, PosteriorSettings, describe_masks
from a2lc.propagation.registry import Answers, NewLabel, Order, Situation

_log = logging.getLogger(__name__)


class PosteriorLearner:
    """The model of all answers, over the masks of all training images; new labels can take back earlier ones.

    Two orders of the same M masks meet here: that of the pool, image by image, and that of the mask table.
    """

    def __init__(self, situation: Situation) -> None:
        settings = situation.sections["posterior"]
        assert isinstance(settings, PosteriorSettings)
        self._void = situation.classes.void
        self._pool = mask_pool(situation)
        self._keys = self._pool.keys()
        self._row = _positions(self._keys)  # of each mask in the pool
        self._table_keys = situation.keys
        self._pool_row = np.array(
            [self._row[key] for key in situation.keys], dtype=np.int64
        )  # (M,) by row of the table
        row = _positions(situation.keys)
        self._table_row = np.array([row[key] for key in self._keys], dtype=np.int64)  # (M,) by row of the pool
        network = situation.features[self._table_row] if situation.trained and settings.network_statistics else None
        self._model = PosteriorModel(self._pool, settings, situation.seed, network)
        self._skipped: frozenset[MaskKey] = frozenset()
        self._belief: Belief | None = None

    def learn(self, answers: Answers) -> None:
        """Fit the model to all answers; a skipped question is none, and is not asked again."""
        given = (*answers.earlier, *answers.now)
        votes = np.zeros((len(self._pool), self._pool.num_classes + 1), dtype=np.int64)  # (M, C + 1), void last
        for answer in given:
            if answer.label_after is not None:
                votes[self._row[answer.key], min(answer.label_after, self._pool.num_classes)] += 1
        self._skipped = frozenset(answer.key for answer in given if answer.label_after is None)
        self._belief = self._model.update(votes)

    def new_labels(self, current: NDArray[np.int64]) -> Sequence[NewLabel]:
        """What is believed now, of every mask that is labelled otherwise; in the order of the pool."""
        belief = self._believed()
        after = np.where(belief.label < self._pool.num_classes, belief.label, self._void)  # (M,) by row of the pool
        return [
            NewLabel(self._keys[row], int(after[row]), self._confidence(belief, row, int(after[row])))
            for row in np.flatnonzero(current[self._table_row] != after).tolist()
        ]

    def order(self) -> Order | None:
        """What a click on each mask is worth, by all that is believed."""
        score = self._model.score(self._believed())[self._pool_row]  # (M,) by row of the table
        closed = {self._table_keys[row] for row in np.flatnonzero(~np.isfinite(score)).tolist()}
        return Order(np.where(np.isfinite(score), score, 0.0), self._skipped | closed)

    def _believed(self) -> Belief:
        if self._belief is None:
            raise RuntimeError("the posterior has learned nothing yet: call learn first")
        return self._belief

    def _confidence(self, belief: Belief, row: int, label: int) -> float | None:
        return float(belief.probability[row, label]) if label != self._void else None


def mask_pool(situation: Situation) -> MaskPool:
    """The masks of all training images, described once per seed and then read back."""
    path = situation.folder / "mask_pool.npz"
    if not is_there(path):
        _log.info("%s: describing the masks", situation.name)
        background = 0 if situation.classes.unmasked == "background" else None
        MaskPool.collect(_described(situation), len(situation.classes), background).write(path)
        _tell_what_is_known(MaskPool.read(path), situation)
    return MaskPool.read(path)


def _tell_what_is_known(pool: MaskPool, situation: Situation) -> None:
    """Warn where there is little to learn from: no mask has a first class, as superpixels do, and no network helps."""
    if len(pool) and (pool.label == pool.num_classes).all() and not situation.trained:
        _log.warning(
            "%s: no mask has a first class, so the posterior has little to learn from: the shapes of the masks and "
            "where they lie. start=clicks with a training (training.iterations) gives it a network's predictions, and "
            "a detector's masks give it classes",
            situation.name,
        )


def _described(situation: Situation) -> Iterator[tuple[str, ImageMasks]]:
    """Every training image with the description of its masks, read one after the other."""
    for image_id in bar(situation.image_ids, "describe masks", leave=False):
        yield image_id, describe_masks(*situation.first_maps(image_id), len(situation.classes))


def _positions(keys: Sequence[MaskKey]) -> dict[MaskKey, int]:
    return {key: position for position, key in enumerate(keys)}
