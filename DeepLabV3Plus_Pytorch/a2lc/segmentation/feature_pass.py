"""The pass of a frozen backbone over images whose features are not kept yet; continues where it was stopped."""

from __future__ import annotations

import logging
import math
import shutil
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from a2lc.foundation.bars import bar
from a2lc.foundation.errors import InputError
from a2lc.foundation.files import read_json, write_json
from a2lc.foundation.locks import held
from a2lc.foundation.memory import trim_heap
from a2lc.foundation.processes import Processes
from a2lc.segmentation.cached_features import BYTES, CachedFeatures, FeatureView
from a2lc.segmentation.loading import load_batches
from a2lc.segmentation.network import DeepLabV3Plus
from a2lc.segmentation.settings import TrainingSettings
from a2lc.segmentation.transforms import normalise, to_tensor

_log = logging.getLogger(__name__)
_ALONE = Processes()
_INDEX = "images.json"  # {file of an image: key of its content}: to notice what was changed
_SHOWN = 3  # names in a sentence
_ROOM = 1.02  # times the size, for headers and folders
_TRIM_EVERY = 8  # images; more often costs time, more seldom memory

Wanted = tuple[str, FeatureView]
Task = tuple[str, str, tuple[FeatureView, ...]]  # image id, key of its content, views that are missing


def compute_features(
    network: DeepLabV3Plus,
    cache: CachedFeatures,
    wanted: Sequence[Wanted],
    settings: TrainingSettings,
    device: torch.device,
    processes: Processes = _ALONE,
) -> None:
    """Compute the features that are not kept yet; each image is read once.

    Of several commands that want the same features, one computes them and the others wait.

    Args:
        network: On `device`; its backbone is frozen.
        cache: Where features are kept.
        wanted: Image ids and views.
        settings: Normalisation, and how many processes load images.
        device: Where to compute.
        processes: Those that divide the images among them; all call this.

    Raises:
        InputError: When an image cannot be read, or there is no room for its features.
    """
    if not processes.on_main(lambda: _missing(cache, wanted)):
        return
    with held(cache.folder, wait=True) if processes.is_main else nullcontext():
        tasks = processes.on_main(lambda: _begin(network, cache, wanted))
        _compute(network, cache, processes.share(tasks), settings, device)
        processes.wait()


def _begin(network: DeepLabV3Plus, cache: CachedFeatures, wanted: Sequence[Wanted]) -> list[Task]:
    """Notice what was changed, and say what is going to be computed and how much room it takes."""
    _forget_changed(cache, list(dict.fromkeys(image_id for image_id, _ in wanted)))
    tasks = _missing(cache, wanted)
    sizes = [view.size(cache.files.size(image_id)) for image_id, _, views in tasks for view in views]
    room = sum(_bytes(network, cache, size) for size in sizes)
    free = shutil.disk_usage(cache.folder).free
    _log.info(
        "features of %d images, %d views in all: %s in %s, where %s are free",
        *(len(tasks), len(sizes), _readable(room), cache.folder, _readable(free)),
    )
    if room * _ROOM > free:
        raise InputError(
            f"the features need {_readable(room)} in {cache.folder}, where {_readable(free)} are free: make room, set "
            "training.features_folder to a folder elsewhere, or set fewer training.feature_scales"
        )
    return tasks


def _missing(cache: CachedFeatures, wanted: Sequence[Wanted]) -> list[Task]:
    """What is to be computed, by image; of images of the same content, one."""
    ids: dict[str, str] = {}
    views: dict[str, dict[FeatureView, None]] = {}
    keys = {image_id: cache.key(image_id) for image_id in dict.fromkeys(image_id for image_id, _ in wanted)}
    for image_id, view in wanted:
        key = keys[image_id]
        if not cache.has(key, view):
            ids.setdefault(key, image_id)
            views.setdefault(key, {})[view] = None
    return [(image_id, key, tuple(views[key])) for key, image_id in ids.items()]


def _forget_changed(cache: CachedFeatures, image_ids: Sequence[str]) -> None:
    """Delete the features of what images were before they were changed, and say so."""
    path = cache.folder / _INDEX
    before: dict[str, str] = read_json(path) if path.exists() else {}
    now = {str(cache.files.image_path(image_id).absolute()): cache.key(image_id) for image_id in image_ids}
    changed = [name for name, key in now.items() if before.get(name, key) != key]
    if changed:
        names = ", ".join(Path(name).name for name in changed[:_SHOWN]) + ", ..." * (len(changed) > _SHOWN)
        _log.warning(
            "%d images were changed since their features were computed (%s): they are computed anew",
            *(len(changed), names),
        )
    after = before | now
    for key in {before[name] for name in changed} - set(after.values()):
        cache.forget(key)
    if after != before:
        write_json(path, after)


def _bytes(network: DeepLabV3Plus, cache: CachedFeatures, size: tuple[int, int]) -> int:
    """What the features of an image of this height and width take."""
    info: Any = network.backbone.feature_info
    channels = (info.channels()[network.low_level], info.channels()[-1])
    maps = zip(channels, cache.strides, strict=True)
    return BYTES * sum(depth * math.prod(math.ceil(side / stride) for side in size) for depth, stride in maps)


@dataclass(frozen=True)
class _Load:
    """A task → the image (3, H, W) uint8 of it."""

    cache: CachedFeatures

    def __call__(self, task: Task) -> Tensor:
        return to_tensor(self.cache.files.image(task[0]))


@torch.inference_mode()
def _compute(
    network: DeepLabV3Plus,
    cache: CachedFeatures,
    tasks: Sequence[Task],
    settings: TrainingSettings,
    device: torch.device,
) -> None:
    """This process's share."""
    network.eval()
    images = load_batches(_Load(cache), [[task] for task in tasks], settings.workers, device)
    with bar(description="features", total=sum(len(views) for *_, views in tasks), unit="view") as shown:
        for index, ((_, key, views), image) in enumerate(zip(tasks, images, strict=True)):
            if index % _TRIM_EVERY == 0:
                trim_heap()
            for view in views:
                seen = view.image(image.to(device, non_blocking=True))
                low, deep = network.features(normalise(seen, settings.mean, settings.std))
                cache.write(key, view, low[0], deep[0])
                shown.update()


def _readable(size: float) -> str:
    """Bytes in the unit that suits."""
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.0f} {unit}"
        size /= 1024
    return f"{size:.1f} GiB"
