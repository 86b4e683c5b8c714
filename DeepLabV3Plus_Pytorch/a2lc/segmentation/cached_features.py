"""Features of whole images in memory-mapped files: what a frozen backbone made of them once."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import timm
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchvision.transforms import v2

from a2lc.foundation.digests import FileDigests
from a2lc.foundation.errors import InputError
from a2lc.foundation.files import atomic_path
from a2lc.foundation.seeding import seed_of
from a2lc.segmentation.features import Features
from a2lc.segmentation.network import DeepLabV3Plus
from a2lc.segmentation.settings import NetworkSettings, TrainingSettings

_FORMAT = 1  # of the files; another one is another folder
BYTES = 2  # per value


class ImageFiles(Protocol):
    """As much of a data set as is needed here."""

    def image_path(self, image_id: str) -> Path:
        """The file that holds the image."""
        ...

    def size(self, image_id: str) -> tuple[int, int]:
        """(height, width) of what `image` gives."""
        ...

    def image(self, image_id: str) -> NDArray[np.uint8]:
        """RGB (H, W, 3) uint8."""
        ...


@dataclass(frozen=True)
class FeatureView:
    """How an image is changed before its features are computed; labels follow it.

    Attributes:
        scale: Factor by which it is resized.
        mirrored: Whether left and right change places. The features are those of a mirrored image, not mirrored ones:
            a backbone's strides begin at the left.
    """

    scale: float = 1.0
    mirrored: bool = False

    @property
    def name(self) -> str:
        """A name for a folder."""
        return f"{self.scale:g}{'-mirrored' * self.mirrored}"

    def size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Height and width of the view of an image of this height and width."""
        height, width = (max(1, int(side * self.scale)) for side in size)
        return height, width

    def image(self, image: Tensor) -> Tensor:
        """The view of images (..., 3, H, W) uint8, resized bilinearly with antialiasing."""
        return self._mirror(image if self.scale == 1 else v2.functional.resize(image, [*self.size(_size(image))]))

    def map(self, pixels: Tensor) -> Tensor:
        """The view of a map of labels (H, W), resized to the nearest."""
        if self.scale != 1:
            mode = v2.InterpolationMode.NEAREST
            pixels = v2.functional.resize(pixels[None], [*self.size(_size(pixels))], interpolation=mode)[0]
        return self._mirror(pixels)

    def _mirror(self, image: Tensor) -> Tensor:
        return image.flip(-1) if self.mirrored else image


NATIVE = FeatureView()


def training_views(settings: TrainingSettings) -> tuple[FeatureView, ...]:
    """The views that a training on features draws from."""
    sides = (False, True) if settings.horizontal_flip else (False,)
    return tuple(FeatureView(scale, mirrored) for scale in settings.feature_scales for mirrored in sides)


@dataclass(frozen=True)
class CachedFeatures:
    """The features of the images of a data set by one backbone, a pair of NumPy files for each image and view.

    A file is found by the content of the image and the backbone with its weights, stride and normalisation, so whatever
    changes is computed anew, and data sets, runs, methods and seeds share what is equal. Any file can be deleted at any
    time. The pages of the files are shared by all processes of a machine, and dropped when memory is short.

    Attributes:
        files: The images.
        folder: Of this backbone.
        strides: Pixels of the image per feature, of the low-level and of the deepest features.
        digests: What is known of the images' files.
    """

    files: ImageFiles
    folder: Path
    strides: tuple[int, int]
    digests: FileDigests = field(default_factory=FileDigests, repr=False, compare=False)

    def __call__(self, image_id: str) -> Features | NDArray[np.uint8]:
        """What the network sees of an image: the features of the image as it is, where they are there, else the image.

        Raises:
            InputError: When the image cannot be read.
        """
        found = self._read(self.key(image_id), NATIVE)
        return self.files.image(image_id) if found is None else self._features(image_id, NATIVE, found)

    def view(self, image_id: str, view: FeatureView) -> Features:
        """The features (A, h, w) and (B, h', w') of a view of an image, still on the disk.

        Raises:
            InputError: When they are not there.
        """
        found = self._read(self.key(image_id), view)
        if found is None:
            raise InputError(
                f"the features of '{image_id}' are not in {self.folder} any more, or the image was changed: start the "
                "same command again, which computes what is missing"
            )
        return self._features(image_id, view, found)

    def key(self, image_id: str) -> str:
        """What tells the content of an image from that of any other."""
        digest = self.digests.of(self.files.image_path(image_id))
        return f"{seed_of(digest, *self.files.size(image_id)):016x}"

    def has(self, key: str, view: FeatureView) -> bool:
        """Whether the features of a view are there: whole, for each file is written at once, and the deepest last."""
        return self._path(key, view, "deep").is_file() and self._path(key, view, "low").is_file()

    def write(self, key: str, view: FeatureView, low: Tensor, deep: Tensor) -> None:
        """Keep the features (A, h, w) and (B, h', w') of a view.

        Raises:
            InputError: When there is no room.
        """
        for name, features in (("low", low), ("deep", deep)):
            path = self._path(key, view, name)
            try:
                with atomic_path(path) as temporary:
                    np.save(temporary, features.half().cpu().numpy())
            except OSError as error:
                raise InputError(
                    f"features cannot be written to {path} ({error.strerror}): make room, or set "
                    "training.features_folder to a folder elsewhere"
                ) from error

    def forget(self, key: str) -> None:
        """Delete the features of an image in every view."""
        for path in self.folder.glob(f"*/{key[:2]}/{key[2:]}-*.npy"):
            path.unlink(missing_ok=True)

    def _path(self, key: str, view: FeatureView, name: str) -> Path:
        return self.folder / view.name / key[:2] / f"{key[2:]}-{name}.npy"  # a folder of a million files would be slow

    def _read(self, key: str, view: FeatureView) -> tuple[Tensor, Tensor] | None:
        """The two maps; None where one is absent or damaged."""
        try:
            low, deep = (
                np.load(self._path(key, view, name), mmap_mode="c", allow_pickle=False) for name in ("low", "deep")
            )
        except (OSError, EOFError, ValueError):
            return None
        return torch.from_numpy(low), torch.from_numpy(deep)

    def _features(self, image_id: str, view: FeatureView, maps: tuple[Tensor, Tensor]) -> Features:
        return Features(*maps, torch.tensor(view.size(self.files.size(image_id))))


def open_features(
    files: ImageFiles,
    root: Path,
    network: DeepLabV3Plus,
    settings: NetworkSettings,
    training: TrainingSettings,
    digests: FileDigests,
) -> CachedFeatures:
    """The features that a network's backbone made, or is going to make, of images.

    Args:
        files: The images.
        root: Where the features of all backbones go, a folder for each.
        network: Its backbone has the weights that it will keep.
        settings: Of the network.
        training: Mean and standard deviation of the normalisation.
        digests: What is known of the images' files.
    """
    info: Any = network.backbone.feature_info
    digest = _digest(network, [settings.backbone, settings.output_stride, *training.mean, *training.std])
    name = f"{settings.backbone.replace('/', '_')}-{digest[:16]}"
    return CachedFeatures(files, root / name, (info.reduction()[network.low_level], settings.output_stride), digests)


def _digest(network: DeepLabV3Plus, others: Sequence[object]) -> str:
    """Of all that decides about the features of an image."""
    found = hashlib.sha256(repr([_FORMAT, timm.__version__, *others]).encode())
    for name, tensor in sorted(network.backbone.state_dict().items()):
        found.update(name.encode())
        found.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return found.hexdigest()


def _size(image: Tensor) -> tuple[int, int]:
    return image.shape[-2], image.shape[-1]
