"""The methods: what the student sees in a step, and what it should say."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from a2lc.segmentation.consistency.base import Batch, Lesson, Teaching
from a2lc.segmentation.consistency.mixing import lay_on
from a2lc.segmentation.consistency.pseudo_labels import PseudoLabels
from a2lc.segmentation.consistency.registry import MIXINGS, TRUST
from a2lc.segmentation.consistency.settings import ConsistencySettings
from a2lc.segmentation.consistency.strong_view import StrongView
from a2lc.segmentation.consistency.targets import Labels, Probabilities


class _Learning:
    """What the methods have in common: the labelled images, and strong views that are mixed with each other."""

    def __init__(self, settings: ConsistencySettings, void: int) -> None:
        self._settings = settings
        self._void = void
        self._strong = StrongView(settings.strong)
        self._mixing = MIXINGS[settings.mixing](settings)
        self._trust = TRUST[settings.trust](settings)

    def _given(self, batch: Batch) -> Lesson:
        """The labelled images."""
        pixels = (batch.labels != self._void).sum()
        return Lesson(batch.images, [Labels(batch.labels, given=True)], pixels, self._settings.labelled_weight)

    def _taught(self, images: Tensor, pseudo: PseudoLabels, weight: float, feature_dropout: float = 0.0) -> Lesson:
        """Images with the teacher's labels; the loss is per valid pixel, so little confidence is a small loss."""
        labels, trust = self._trust.judge(pseudo, self._void)
        return Lesson(images, [Labels(labels, given=False, weight=trust)], pseudo.valid.sum(), weight, feature_dropout)

    def _mixed(self, batch: Batch, pseudo: PseudoLabels, weight: float) -> Lesson:
        """Strong views, each with a part of the next one's laid on."""
        strong = self._strong(batch.weak)
        laid = pseudo.rolled()
        mask = self._mixing.mask(laid.labels.where(laid.valid, self._void), self._void)
        return self._taught(lay_on(mask, strong.roll(1, 0), strong), pseudo.under(mask, laid), weight)


class FixMatch(_Learning):
    """A strong view should say what the teacher says about the weak one; fulfils `Method`.

    Source: Sohn et al., "FixMatch: Simplifying Semi-Supervised Learning with Consistency and Confidence", NeurIPS 2020,
    as Yang et al. ("UniMatch", CVPR 2023) apply it to segmentation. With mixing=classmix, trust=share and an averaged
    teacher it is ClassMix (Olsson et al., WACV 2021). What is mixed comes from the next image of the batch.
    """

    def lessons(self, batch: Batch, teacher: Teaching, unlabelled_weight: float) -> Iterator[Lesson]:
        """The labelled images and one strong view; see `Method`."""
        pseudo = PseudoLabels.of(teacher(batch.weak), batch.valid)
        yield self._given(batch)
        yield self._mixed(batch, pseudo, unlabelled_weight)


class UniMatch(_Learning):
    """FixMatch with two strong views, and the weak one with perturbed features; fulfils `Method`.

    Source: Yang, Qi, Feng, Zhang and Shi, "Revisiting Weak-to-Strong Consistency in Semi-Supervised Semantic
    Segmentation", CVPR 2023, eq. 8.
    """

    def lessons(self, batch: Batch, teacher: Teaching, unlabelled_weight: float) -> Iterator[Lesson]:
        """The labelled images, two strong views, and perturbed features; see `Method`."""
        settings = self._settings
        of_features = settings.feature_weight * unlabelled_weight
        of_view = (unlabelled_weight - of_features) / 2
        pseudo = PseudoLabels.of(teacher(batch.weak), batch.valid)
        yield self._given(batch)
        yield self._mixed(batch, pseudo, of_view)
        yield self._mixed(batch, pseudo, of_view)
        yield self._taught(batch.weak, pseudo, of_features, settings.feature_dropout)


class MeanTeacher(_Learning):
    """A strong view should give the teacher's probabilities of the weak one; fulfils `Method`.

    Source: Tarvainen and Valpola, "Mean teachers are better role models", NeurIPS 2017. Nothing is mixed, and no pixel
    is left out: probabilities say themselves how sure they are.
    """

    def lessons(self, batch: Batch, teacher: Teaching, unlabelled_weight: float) -> Iterator[Lesson]:
        """The labelled images and one strong view; see `Method`."""
        target = Probabilities(teacher(batch.weak), batch.valid)
        yield self._given(batch)
        yield Lesson(self._strong(batch.weak), [target], batch.valid.sum(), unlabelled_weight)


class Dacs(_Learning):
    """Parts of labelled images are laid onto unlabelled ones of another domain; fulfils `Method`.

    Source: Tranheden, Olsson, Pinto and Svensson, "DACS: Domain Adaptation via Cross-domain Mixed Sampling", WACV 2021,
    with mixing=classmix and trust=share. Void pixels are never laid on.
    """

    def lessons(self, batch: Batch, teacher: Teaching, unlabelled_weight: float) -> Iterator[Lesson]:
        """The labelled images, and strong views of the mixed ones; see `Method`."""
        pseudo = PseudoLabels.of(teacher(batch.weak), batch.valid)
        mask = self._mixing.mask(batch.labels, self._void)
        labels, trust = self._trust.judge(pseudo, self._void)
        given = torch.where(mask, batch.labels, self._void)
        taught = torch.where(mask, self._void, labels)
        mixed = self._strong(lay_on(mask, batch.images, batch.weak))
        pixels = ((given != self._void) | (~mask & batch.valid)).sum()
        yield self._given(batch)
        yield Lesson(mixed, [Labels(given, given=True), Labels(taught, False, trust)], pixels, unlabelled_weight)
