"""GTA5: 24,966 street scenes of a game, labelled with the labelIds of Cityscapes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from a2lc.datasets.rendered import Rendered, RenderedTruth, train_id_table
from a2lc.formats.cityscapes import LABEL_IDS
from a2lc.foundation.images import read_index_map
from a2lc.foundation.settings import Decides, Settings

_IMAGES = Path("images")
_LABELS = Path("labels")


class GtaSettings(Settings):
    """GTA5 ("Playing for Data"), the labelled source of an adaptation."""

    name: Literal["gta"]
    """Which data set: gta."""
    root: Annotated[Path, Decides.SOURCE] = Path("data/gta")
    """Folder that holds images/ and labels/, all ten parts unpacked."""
    train: Path | None = None
    """List of training image ids, one a line; empty = all images."""


class Gta(Rendered):
    """GTA5: `images/00001.png` and `labels/00001.png`, a palette PNG of labelIds, read as the 19 trainIds.

    Source: Richter, Vineet, Roth and Koltun, "Playing for Data: Ground Truth from Computer Games", ECCV 2016. The
    labels of a few images have another size than the image: as the papers do, bring both to one size (`source_size`).

    Raises:
        InputError: When a folder is missing, or the list names an image that is not there.
    """

    def __init__(self, settings: GtaSettings) -> None:
        table = train_id_table({label_id: train_id for train_id, label_id in enumerate(LABEL_IDS)})
        truth = RenderedTruth(settings.root / _LABELS, read_index_map, table)
        instruction = (
            "fetch the ten parts of images and labels from download.visinf.tu-darmstadt.de/data/from_games, unpack all "
            f"of them in {settings.root}, or name the folder where they are"
        )
        super().__init__(settings.root, _IMAGES, _LABELS, settings.train, truth, instruction)
