"""Where the weights of a backbone lie, those that timm downloaded included."""

from __future__ import annotations

from pathlib import Path

import huggingface_hub
import timm

from a2lc.foundation.digests import file_digest, refuse_damaged
from a2lc.segmentation.settings import NetworkSettings

_NAMES = ("model.safetensors", "pytorch_model.bin")  # in the order in which timm looks for them


def backbone_file(settings: NetworkSettings) -> Path | None:
    """The file that the backbone's weights are read from; None for random ones and for such as are not downloaded yet.

    Nothing is downloaded. Weights that timm has from elsewhere than the Hugging Face hub are not found.
    """
    if settings.backbone_weights == "none":
        return None
    if settings.backbone_weights != "imagenet":
        return Path(settings.backbone_weights)
    source = timm.models.get_pretrained_cfg(settings.backbone)
    if source is None or not source.hf_hub_id:
        return None
    repository, _, revision = source.hf_hub_id.partition("@")
    for name in (source.hf_hub_filename,) if source.hf_hub_filename else _NAMES:
        found = huggingface_hub.try_to_load_from_cache(repository, name, revision=revision or None)
        if isinstance(found, str):
            return Path(found)
    return None


def check_download(settings: NetworkSettings) -> None:
    """Refuse downloaded weights that are not those that were published, where the source publishes a hash.

    Raises:
        InputError: When they are not; says what to delete.
    """
    path = backbone_file(settings)
    if path is not None and settings.backbone_weights == "imagenet":
        refuse_damaged(path, file_digest(path))
