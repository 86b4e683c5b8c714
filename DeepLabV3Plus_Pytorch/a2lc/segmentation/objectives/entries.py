"""The objectives of the house by name; each imports PyTorch when it is used."""

from __future__ import annotations

from a2lc.segmentation.objectives.base import OBJECTIVES, Objective, ObjectiveChoice


def _cross_entropy(_: ObjectiveChoice, num_classes: int, void: int) -> Objective:
    from a2lc.segmentation.objectives.cross_entropy import CrossEntropy

    return CrossEntropy(num_classes, void)


def _label_smoothing(settings: ObjectiveChoice, num_classes: int, void: int) -> Objective:
    from a2lc.segmentation.objectives.label_smoothing import LabelSmoothing

    return LabelSmoothing(num_classes, void, settings.loss.label_smoothing.share)


def _generalised_cross_entropy(settings: ObjectiveChoice, num_classes: int, void: int) -> Objective:
    from a2lc.segmentation.objectives.generalised_cross_entropy import GeneralisedCrossEntropy

    return GeneralisedCrossEntropy(num_classes, void, settings.loss.generalised_cross_entropy.exponent)


def _symmetric_cross_entropy(settings: ObjectiveChoice, num_classes: int, void: int) -> Objective:
    from a2lc.segmentation.objectives.symmetric_cross_entropy import SymmetricCrossEntropy

    chosen = settings.loss.symmetric_cross_entropy
    return SymmetricCrossEntropy(
        num_classes, void, chosen.cross_entropy_weight, chosen.reverse_weight, chosen.log_of_zero
    )


def _soft_bootstrapping(settings: ObjectiveChoice, num_classes: int, void: int) -> Objective:
    from a2lc.segmentation.objectives.soft_bootstrapping import SoftBootstrapping

    return SoftBootstrapping(num_classes, void, settings.loss.soft_bootstrapping.given_share)


def _ecoc(settings: ObjectiveChoice, num_classes: int, void: int) -> Objective:
    from a2lc.segmentation.objectives.ecoc import make_ecoc

    return make_ecoc(settings.loss.ecoc, num_classes, void)


OBJECTIVES.register("cross_entropy", _cross_entropy)
OBJECTIVES.register("label_smoothing", _label_smoothing)
OBJECTIVES.register("generalised_cross_entropy", _generalised_cross_entropy)
OBJECTIVES.register("symmetric_cross_entropy", _symmetric_cross_entropy)
OBJECTIVES.register("soft_bootstrapping", _soft_bootstrapping)
OBJECTIVES.register("ecoc", _ecoc)
