"""Where images and ground truth come from."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from a2lc.datasets.base import Dataset, Split
from a2lc.datasets.cityscapes import Cityscapes, CityscapesSettings
from a2lc.datasets.folder import Folder, FolderSettings
from a2lc.datasets.gta import Gta, GtaSettings
from a2lc.datasets.id_list import read_id_list
from a2lc.datasets.kvasir import Kvasir, KvasirSettings
from a2lc.datasets.pascal import Pascal, PascalSettings
from a2lc.datasets.synthia import Synthia, SynthiaSettings
from a2lc.datasets.toyscapes import Toyscapes, ToyscapesSettings

AnySettings = (
    PascalSettings
    | FolderSettings
    | ToyscapesSettings
    | CityscapesSettings
    | KvasirSettings
    | GtaSettings
    | SynthiaSettings
)
DatasetSettings = Annotated[AnySettings, Field(discriminator="name")]

_DATASETS: dict[type, Any] = {
    PascalSettings: Pascal,
    FolderSettings: Folder,
    ToyscapesSettings: Toyscapes,
    CityscapesSettings: Cityscapes,
    KvasirSettings: Kvasir,
    GtaSettings: Gta,
    SynthiaSettings: Synthia,
}


def open_dataset(settings: AnySettings) -> Dataset:
    """Open the data set that the settings describe. Raises InputError when its files are not there."""
    dataset: Dataset = _DATASETS[type(settings)](settings)
    return dataset


__all__ = ["Dataset", "DatasetSettings", "Split", "open_dataset", "read_id_list"]
