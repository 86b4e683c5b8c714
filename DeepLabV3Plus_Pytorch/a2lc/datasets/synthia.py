"""SYNTHIA-RAND-CITYSCAPES: 9,400 rendered street scenes, labelled with ids of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray

from a2lc.datasets.rendered import Rendered, RenderedTruth, train_id_table
from a2lc.foundation.errors import InputError
from a2lc.foundation.settings import Decides, Settings

# label id → trainId; terrain, truck and train never occur, which leaves 16 classes
TRAIN_IDS = {
    3: 0, 4: 1, 2: 2, 21: 3, 5: 4, 7: 5, 15: 6, 9: 7, 6: 8, 16: 9, 1: 10, 10: 11, 17: 12, 8: 13, 18: 14, 19: 15,
    20: 16, 12: 17, 11: 18,
}  # fmt: skip
_IMAGES = Path("RGB")
_LABELS = Path("GT", "LABELS")


class SynthiaSettings(Settings):
    """SYNTHIA-RAND-CITYSCAPES, the labelled source of an adaptation."""

    name: Literal["synthia"]
    """Which data set: synthia."""
    root: Annotated[Path, Decides.SOURCE] = Path("data/synthia")
    """Folder that holds RGB/ and GT/LABELS/ (RAND_CITYSCAPES)."""
    train: Path | None = None
    """List of training image ids, one a line; empty = all images."""


class Synthia(Rendered):
    """SYNTHIA: `RGB/0000000.png` and `GT/LABELS/0000000.png`, whose first channel of 16 bits is the class.

    Source: Ros, Sellart, Materzynska, Vazquez and Lopez, "The SYNTHIA Dataset", CVPR 2016; trainIds as in DACS and
    DAFormer.

    Raises:
        InputError: When a folder is missing, or the list names an image that is not there.
    """

    def __init__(self, settings: SynthiaSettings) -> None:
        truth = RenderedTruth(settings.root / _LABELS, read_first_channel, train_id_table(TRAIN_IDS))
        instruction = (
            "fetch SYNTHIA-RAND-CITYSCAPES (CVPR16) from synthia-dataset.net, unpack it, and name the folder that "
            "holds RGB/ and GT/"
        )
        super().__init__(settings.root, _IMAGES, _LABELS, settings.train, truth, instruction)


def read_first_channel(path: Path) -> NDArray[np.integer]:
    """The first channel (H, W) of a PNG of 8 or 16 bits, below 256; Pillow drops the lower bits of 16-bit colours.

    Raises:
        InputError: When the file cannot be read, or a value is too large for a label id.
    """
    import torch
    from torchvision.io import decode_png

    try:
        encoded = torch.frombuffer(bytearray(path.read_bytes()), dtype=torch.uint8)
        labels: NDArray[np.integer] = decode_png(encoded)[0].numpy()
    except (OSError, RuntimeError, ValueError) as error:
        raise InputError(f"{path} cannot be read as PNG ({str(error).splitlines()[0]}): unpack it again") from None
    if labels.max(initial=0) > 255:
        raise InputError(
            f"{path} holds {labels.max()} in its first channel, which is no class of SYNTHIA: is it GT/LABELS?"
        )
    return labels.astype(np.uint8)
