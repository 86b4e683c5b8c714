"""Images that are decoded once and then read from memory-mapped files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from a2lc.datasets.base import Dataset
from a2lc.foundation.errors import InputError
from a2lc.foundation.files import atomic_path
from a2lc.foundation.seeding import seed_of


def decode_once(dataset: Dataset, folder: Path | None) -> Callable[[str], NDArray[np.uint8]]:
    """The images of a data set, decoded at their first use only where there is a folder to keep them in.

    Args:
        dataset: Where the images are.
        folder: Where the decoded images go, `training.cache`; None = every use decodes the image.

    Returns:
        Image id → RGB (H, W, 3) uint8; picklable if the data set is.
    """
    return dataset.image if folder is None else DecodedImages(dataset, folder)


@dataclass(frozen=True)
class DecodedImages:
    """Keeps each decoded image as a NumPy file, H × W × 3 bytes.

    The pages of the files are shared by all processes of a machine, and dropped when memory is short. A file is used
    as long as its image has the size in pixels, the bytes and the time of change that it had; where the image's folder
    is does not matter. Any file can be deleted at any time.

    Attributes:
        dataset: Where the images are.
        folder: Where the decoded images go; may be shared by data sets, runs and machines.
    """

    dataset: Dataset
    folder: Path

    def __call__(self, image_id: str) -> NDArray[np.uint8]:
        """The image, RGB (H, W, 3) uint8; writing into it changes no file.

        Raises:
            InputError: When the image cannot be read, or there is no room for the decoded one.
        """
        path = self._path(image_id)
        try:
            return np.load(path, mmap_mode="c", allow_pickle=False)
        except (OSError, EOFError, ValueError):  # absent, as a rule, or damaged
            return self._decode(image_id, path)

    def _path(self, image_id: str) -> Path:
        """The file of a decoded image: another one when the image was changed. Raises InputError without an image."""
        file = self.dataset.image_path(image_id)
        try:
            state = file.stat()
        except OSError as error:
            raise InputError(f"{file} cannot be read ({error.strerror})") from None
        name = f"{seed_of(image_id, *self.dataset.size(image_id), state.st_size, state.st_mtime_ns):016x}"
        return self.folder / name[:2] / f"{name[2:]}.npy"  # a folder of a million files would be slow

    def _decode(self, image_id: str, path: Path) -> NDArray[np.uint8]:
        image = self.dataset.image(image_id)
        own = path.with_name(f"{uuid4().hex}.npy")  # several processes may decode an image at once
        try:
            with atomic_path(own) as temporary:
                np.save(temporary, image)
            own.replace(path)
        except OSError as error:
            raise InputError(
                f"the decoded image cannot be written to {path} ({error.strerror}): make room, or set training.cache "
                "to another folder or to null"
            ) from error
        return image
