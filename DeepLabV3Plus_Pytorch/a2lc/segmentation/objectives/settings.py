"""Parameters of the objectives, a section for each that has any; imports no PyTorch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt

from a2lc.foundation.settings import Seed, Settings

Weight = Annotated[float, Field(ge=0)]


class LabelSmoothingSettings(Settings):
    """With objective=label_smoothing."""

    share: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Share ε of every target that is spread evenly over all classes."""


class GeneralisedCrossEntropySettings(Settings):
    """With objective=generalised_cross_entropy."""

    exponent: Annotated[float, Field(gt=0, le=1)] = 0.7
    """Exponent q: towards 0 the loss is cross-entropy, at 1 the mean absolute error, which trusts labels the least."""


class SymmetricCrossEntropySettings(Settings):
    """With objective=symmetric_cross_entropy."""

    cross_entropy_weight: Weight = 0.1
    """Weight α of cross-entropy."""

    reverse_weight: PositiveFloat = 1.0
    """Weight β of reverse cross-entropy."""

    log_of_zero: Annotated[float, Field(lt=0)] = -4.0
    """What stands for log 0 in reverse cross-entropy, A."""


class SoftBootstrappingSettings(Settings):
    """With objective=soft_bootstrapping."""

    given_share: Annotated[float, Field(gt=0, le=1)] = 0.95
    """Share β of every target that is the given label; the rest is what the network itself predicts."""


class EcocSettings(Settings):
    """With objective=ecoc."""

    codebook: str = "distance"
    """Where the codewords come from: distance (drawn at random, far from each other), or a .npy file of a matrix with a
    row for each class: of 0 and 1 it is the codebook, of other numbers it holds embeddings of the classes."""

    bits: Annotated[PositiveInt | None, Field(le=1000)] = None
    """K, bits of a codeword and channels of the head; null = 10 for each doubling of the classes, 40 for 19 or 21 of
    them, or as many as there are different bits, or as the codebook's file has."""

    seed: Seed = 0
    """Seed of the codebook that is drawn; not that of the run, so that all runs speak one code."""

    variant: Literal["plain", "seeded"] = "plain"
    """plain: the target is the codeword of the label; seeded: where the network has become sure, only the bits that the
    label's codeword shares with the nearest ones are the label's, the others what the network says."""

    cosine_weight: Weight = 5.0
    """Weight λ₁ of the distance between logits and codeword."""

    contrast_weight: Weight = 2.0
    """Weight λ₂ of the contrast between this codeword and all others."""

    contrast_temperature: PositiveFloat = 0.5
    """Temperature τ of the contrast."""

    loss_scale: PositiveFloat = 0.25
    """Factor of the whole loss, which is four times as large as cross-entropy when a training begins: with 0.25 the
    learning rates that suit cross-entropy suit it, too."""

    posterior_temperature: PositiveFloat | None = None
    """Divisor of the log-likelihoods of the codewords before they become probabilities: the larger, the less sure; null
    = how many bits there are for each that is needed, K / log₂ of the number of classes."""

    mining_threshold: Annotated[float, Field(ge=0.5, le=1)] = 0.95
    """Mean confidence T above which the bits that near codewords share are believed; 0.5 = every bit is, 1 = none."""

    sure: Annotated[float, Field(ge=0.5, le=1)] = 0.95
    """Mean confidence of all bits from which the network counts as sure of a pixel."""


class LossSettings(Settings):
    """What the objectives other than cross-entropy can be told."""

    label_smoothing: LabelSmoothingSettings = LabelSmoothingSettings()
    """Label smoothing."""
    generalised_cross_entropy: GeneralisedCrossEntropySettings = GeneralisedCrossEntropySettings()
    """Generalised cross-entropy."""
    symmetric_cross_entropy: SymmetricCrossEntropySettings = SymmetricCrossEntropySettings()
    """Symmetric cross-entropy."""
    soft_bootstrapping: SoftBootstrappingSettings = SoftBootstrappingSettings()
    """Soft bootstrapping."""
    ecoc: EcocSettings = EcocSettings()
    """Error-correcting output codes."""
