"""Settings of the segmentation network, of its training, and of its look at the images when masks are scored."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from a2lc.foundation.registry import registered
from a2lc.foundation.settings import EACH_ONCE, Decides, Settings
from a2lc.segmentation.objectives import OBJECTIVES, LossSettings
from a2lc.segmentation.optimizers import OPTIMIZERS
from a2lc.segmentation.schedules import SCHEDULES

Fraction = Annotated[float, Field(ge=0, lt=1)]
ViewName = Literal["native", "padded", "squashed"]
BatchNormMode = Literal["batch", "synchronised", "frozen"]
_YOUNG = frozenset(  # settings that the first checkpoints do not know
    {"objective", "loss", "optimizer", "schedule", "warmup", "beta2", "on_features", "feature_scales"}
)


class NetworkSettings(Settings):
    """DeepLabV3+: which backbone, and the shape of the head."""

    backbone: str = "resnet101.tv_in1k"
    """Name of a timm model, optionally with the tag of its weights (`timm.list_models()`): a convolutional network or
    a transformer, plain or with stages."""

    backbone_weights: Annotated[str, Decides.SOURCE] = "imagenet"
    """Where the backbone starts: "imagenet" (downloaded by timm), "none" (random), or a .safetensors or .pth file."""

    frozen: bool = False
    """Whether the backbone stays as it starts, BatchNorm statistics included, while the head learns. What it makes of
    an image is then read as 16 bits hold it."""

    output_stride: Literal[8, 16] = 16
    """Pixels of the image per pixel of the deepest features; 8 is finer and about three times slower."""

    aspp_rates: tuple[PositiveInt, PositiveInt, PositiveInt] | None = None
    """Dilations of the three atrous convolutions, in feature pixels; null = 6, 12, 18 at stride 16, doubled at 8."""

    separable: bool = False
    """Whether the 3x3 convolutions of the head are depthwise separable: fewer weights, faster on a CPU."""

    aspp_channels: PositiveInt = 256
    """Channels of the atrous pyramid and of the decoder."""

    dropout: Fraction = 0.1
    """Share of the pyramid's outputs that is dropped in training."""

    backbone_batchnorm_momentum: Annotated[float, Field(gt=0, le=1)] = 0.01
    """Share by which each batch renews the backbone's BatchNorm statistics."""

    @property
    def rates(self) -> tuple[int, int, int]:
        """Dilations of the three atrous convolutions, the default for the output stride filled in."""
        return self.aspp_rates or ((6, 12, 18) if self.output_stride == 16 else (12, 24, 36))

    def without_weights(self) -> NetworkSettings:
        """The same network with random weights: for one that is about to be loaded from a checkpoint."""
        return self.model_copy(update={"backbone_weights": "none"})


class TrainingSettings(Settings):
    """Gradient descent on random crops, or on random windows of features."""

    name: Annotated[str, Decides.LAYERS] = "papers"
    """Preset of network and training, `training=frozen`: papers (the backbone learns, too), or frozen (features of a
    frozen backbone are computed once: minutes on a laptop). It lies above the configuration and below single keys."""

    iterations: Annotated[int, Field(ge=0)] = 30_000
    """Steps of gradient descent, one batch each."""

    batch_size: Annotated[int, Field(ge=2)] = 16
    """Images per batch, over all processes; at least 2, because BatchNorm in the pooled branch needs more than one
    value per channel."""

    accumulation: PositiveInt = 1
    """Passes into which every process divides its part of the batch, so that less memory is needed: the gradient is
    that of the whole batch as long as BatchNorm is frozen, else each pass has BatchNorm statistics of its own."""

    batchnorm: BatchNormMode = "batch"
    """Where BatchNorm has its statistics from: batch (the images of a process in a pass), synchronised (those of all
    processes in a pass; on GPUs only), or frozen (as they are at the start; its scales and shifts go on learning)."""

    crop_size: PositiveInt | tuple[PositiveInt, PositiveInt] = 513
    """Training crop in pixels: the side of a square, or height and width."""

    objective: Annotated[str, registered(OBJECTIVES)] = "cross_entropy"
    """How the head is trained and how its logits are read as class probabilities: cross_entropy, label_smoothing,
    generalised_cross_entropy, symmetric_cross_entropy, soft_bootstrapping or ecoc."""

    loss: LossSettings = LossSettings()
    """Parameters of the objectives other than cross_entropy, a section for each."""

    optimizer: Annotated[str, registered(OPTIMIZERS)] = "sgd"
    """What turns gradients into steps: sgd or adamw."""

    learning_rate: PositiveFloat = 0.1
    """Learning rate of the head at its highest: with poly and no warm-up at the first iteration."""

    backbone_learning_rate_factor: Annotated[float, Field(ge=0)] = 0.1
    """Learning rate of the backbone as a multiple of the head's."""

    momentum: Fraction = 0.9
    """Share of the mean gradient that stays from step to step: the momentum of sgd, beta 1 of adamw."""

    beta2: Fraction = 0.999
    """Share of the mean squared gradient that stays from step to step; of adamw only."""

    weight_decay: Annotated[float, Field(ge=0)] = 1e-4
    """L2 penalty per unit of weight; with adamw the share of it, times the learning rate, that each step takes away."""

    schedule: Annotated[str, registered(SCHEDULES)] = "poly"
    """How learning rates change: poly (fall polynomially), cosine (fall like half a cosine), or onecycle (rise from a
    25th and fall to a 250,000th, each like half a cosine)."""

    warmup: Annotated[int, Field(ge=0)] | None = None
    """Iterations in which learning rates rise; null = 0, with onecycle three tenths of all."""

    poly_power: Annotated[float, Field(ge=0)] = 0.9
    """Exponent p of the poly schedule: learning rate × (1 - iteration / iterations)^p."""

    learning_rate_floor: Annotated[float, Field(ge=0)] = 1e-6
    """Below this the schedule lowers no learning rate."""

    scale: tuple[PositiveFloat, PositiveFloat] | None = (0.5, 2.0)
    """Range of the random factor by which an image is resized before it is cropped; null = never resized."""

    horizontal_flip: bool = True
    """Whether every second image, at random, is mirrored left to right."""

    color_jitter: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Largest relative change of brightness, contrast and saturation; 0 = none."""

    padding: Literal["void", "background"] = "void"
    """Label of what is added (in black) where an image is smaller than the crop: void, or background = class 0."""

    padding_axes: Literal["needed", "both"] = "needed"
    """needed: only the axis that is too small is padded; both: as in the official code, all four sides are."""

    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    """Mean of R, G, B that is subtracted, on a scale of 0 to 1."""

    std: tuple[PositiveFloat, PositiveFloat, PositiveFloat] = (0.229, 0.224, 0.225)
    """Standard deviation of R, G, B that is divided by, on a scale of 0 to 1."""

    on_features: bool = False
    """Whether the head learns from features that a frozen backbone computed once, and validation, scores and
    predictions are made of them, too. Needs network.frozen. A crop is then a window of whole features, rounded up to
    the output stride; `feature_scales` stand for `scale`; `color_jitter` and `padding` (always void) have no effect."""

    feature_scales: Annotated[tuple[PositiveFloat, ...], *EACH_ONCE] = (1.0,)
    """With on_features: the factors by which an image is resized before its features are computed, one of which is
    drawn in a step."""

    features_folder: Annotated[Path | None, Decides.SPEED] = None
    """Where computed features are kept: by content of the image, weights and view, so that seeds, methods and runs
    share them; null = features/ in the output folder. The results do not depend on it."""

    validate_every: Annotated[int, Field(ge=0)] = 100
    """Iterations from one validation to the next; 0 = only after the last iteration."""

    save_every: Annotated[PositiveInt, Decides.SPEED] = 500
    """Iterations from one `training.pt` to the next: what a killed training loses at most."""

    workers: Annotated[Annotated[int, Field(ge=0)] | None, Decides.SPEED] = None
    """Processes that load images, for every process that trains; 0 = it does so itself; null = 0 on a CPU, on a GPU as
    many as there are cores, at most 8. The results do not depend on it."""

    cache: Annotated[Path | None, Decides.SPEED] = None
    """Folder where decoded images are kept, so that each is decoded once: height × width × 3 bytes an image, 0.6 MB for
    one of PASCAL VOC and 6.3 MB for one of Cityscapes; null = decoded whenever needed. The results do not depend on
    it."""

    mixed_precision: Annotated[bool, Decides.PRECISION] = False
    """Whether to train in 16-bit floating point where that is safe, bfloat16 where the device has it; has an effect on
    CUDA devices only."""

    tf32: Annotated[bool, Decides.PRECISION] = False
    """Whether convolutions may round what they multiply to the 10 bits of TF32; has an effect on CUDA devices only."""

    channels_last: Annotated[bool | None, Decides.PRECISION] = None
    """Whether the channels of a pixel lie together in memory; null = on CUDA devices. Changes last bits only."""

    compile: Annotated[bool, Decides.PRECISION] = False
    """Whether torch.compile translates the network: minutes at the start, then faster steps. Changes last bits only."""

    @property
    def crop(self) -> tuple[int, int]:
        """Height and width of the training crop in pixels."""
        return (self.crop_size, self.crop_size) if isinstance(self.crop_size, int) else self.crop_size

    def identity(self) -> str:
        """All that decides about the weights, as JSON.

        A setting that came later is left out at its default, so that what was trained before is still recognised.
        """
        at_default = {name for name in _YOUNG if getattr(self, name) == type(self).model_fields[name].default}
        free = self.fields_that(Decides.SPEED) | self.fields_that(Decides.LAYERS)
        return self.model_dump_json(exclude=free | at_default)

    @model_validator(mode="after")
    def _ordered_scale(self) -> TrainingSettings:
        if self.scale is not None and self.scale[0] > self.scale[1]:
            raise ValueError(f"scale must be [smallest, largest], got [{self.scale[0]}, {self.scale[1]}]")
        return self


class ScoringSettings(Settings):
    """How the network sees an image when its masks are scored."""

    view: ViewName = "native"
    """native: at its own size; padded: in the middle of a black canvas of the training crop's size; squashed: resized
    to half that canvas, in its middle."""

    feature_view: ViewName | None = None
    """View of the mean probabilities that the label correction module learns from; null = the same pass."""

    shift: bool = False
    """Whether the window of a padded view is cut with the official code's rounding: one pixel off for some sizes."""

    batch_size: Annotated[PositiveInt, Decides.PRECISION] = 1
    """Images of equal size that the network sees at once; more than 1 pays on a GPU with small images."""

    mixed_precision: Annotated[Literal["none", "bf16", "fp16"], Decides.PRECISION] = "none"
    """16-bit floating point for what the network computes where that is safe; none = all of it in 32 bits."""

    compile: Annotated[bool, Decides.PRECISION] = False
    """Whether the network is compiled by torch.compile first: minutes, then faster; needs a C++ compiler."""

    @property
    def views(self) -> tuple[ViewName, ...]:
        """The views of all passes over an image, each once: first that of the scores, last that of the features."""
        return (self.view,) if self.feature_view in (None, self.view) else (self.view, self.feature_view)
