"""Toyscapes: drawn street scenes with exact ground truth and noisy pseudo-labels, made on first use."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from filelock import FileLock
from pydantic import Field

from a2lc.classes import ClassSet, load_classes
from a2lc.datasets.base import Split
from a2lc.datasets.folder import Folder, FolderSettings
from a2lc.datasets.toyscapes.detector import detect
from a2lc.datasets.toyscapes.night import at_night
from a2lc.datasets.toyscapes.scene import scene
from a2lc.foundation.bars import bar
from a2lc.foundation.errors import InputError
from a2lc.foundation.files import read_json, write_json, write_text
from a2lc.foundation.images import write_image, write_label_map
from a2lc.foundation.settings import Decides, Settings
from a2lc.labels.store import PseudoLabelWriter

DRAWING = 1  # counts changes of the drawing or of the detector that change a pixel
SPLITS: tuple[Split, ...] = ("train", "val")
STAMP = "toyscapes.json"
LOCK = ".toyscapes.lock"
FIRST: dict[Split, int] = {"train": 0, "val": 1_000_000}  # scenes; so far apart that the splits never share one

logger = logging.getLogger(__name__)


class ToyscapesSettings(Settings):
    """Street scenes drawn by the program; nothing is downloaded."""

    name: Literal["toyscapes"] = "toyscapes"
    """Which data set: toyscapes."""
    root: Annotated[Path, Decides.SOURCE] = Path("data/toyscapes")
    """Folder that the data set is written to on first use."""
    train_images: int = Field(default=60, ge=1, le=FIRST["val"])
    """Number of training images."""
    val_images: int = Field(default=30, ge=1, le=FIRST["val"])
    """Number of validation images; they get no pseudo-labels."""
    height: int = Field(default=96, ge=32)
    """Height of an image in pixels."""
    width: int = Field(default=160, ge=32)
    """Width of an image in pixels."""
    seed: int = 0
    """Seed of the scenes and of the detector's mistakes."""
    light: Literal["day", "night"] = "day"
    """night: the same scenes in little bluish light, with the noise of a camera that lacks light."""


class Toyscapes(Folder):
    """Drawn street scenes: a plain folder data set (images/, ground_truth/, pseudo_labels/, classes.yaml, lists).

    Whatever of it is missing is drawn first; the same settings give the same bytes.

    Raises:
        InputError: When the folder holds something else, or toyscapes of other settings; nothing is overwritten.
    """

    def __init__(self, settings: ToyscapesSettings) -> None:
        if not _is_finished(settings):
            _refuse_foreign_files(settings)
            settings.root.mkdir(parents=True, exist_ok=True)
            with FileLock(settings.root / LOCK):
                if not _is_finished(settings):  # another process may have drawn it meanwhile
                    _generate(settings)
        super().__init__(FolderSettings(name="folder", root=settings.root))


def _stamp(settings: ToyscapesSettings) -> dict[str, Any]:
    by_day = {"light"} if settings.light == "day" else set()  # the first folders know no night
    return {"drawing": DRAWING, **settings.model_dump(mode="json", exclude={"root"} | by_day)}


def _is_finished(settings: ToyscapesSettings) -> bool:
    """Whether the folder holds exactly these settings' data; other settings' are refused."""
    path = settings.root / STAMP
    if not path.is_file():
        return False
    wanted = _stamp(settings)
    try:
        found = read_json(path)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise InputError(f"{path} is damaged: delete the folder {settings.root} and it is drawn again")
    keys = dict.fromkeys([*wanted, *found])
    changed = [
        f"{key} {found.get(key)} instead of {wanted.get(key)}" for key in keys if found.get(key) != wanted.get(key)
    ]
    if changed:
        raise InputError(
            f"{settings.root} holds toyscapes of other settings ({', '.join(changed)}): "
            "choose another dataset.root or delete the folder"
        )
    return True


def _ids(settings: ToyscapesSettings, split: Split) -> list[str]:
    count = settings.train_images if split == "train" else settings.val_images
    return [f"{split}_{number:04d}" for number in range(count)]


def _files(settings: ToyscapesSettings) -> Iterator[str]:
    """Every file of the finished folder, relative to the root."""
    yield from (LOCK, "classes.yaml", "train.txt", "val.txt", "pseudo_labels/manifest.json")
    for image_id in _ids(settings, "train") + _ids(settings, "val"):
        yield from (f"images/{image_id}.png", f"ground_truth/{image_id}.png")
    for image_id in _ids(settings, "train"):
        yield from (f"pseudo_labels/labels/{image_id}.png", f"pseudo_labels/masks/{image_id}.png")


def _refuse_foreign_files(settings: ToyscapesSettings) -> None:
    """Only what a killed generation of the same settings left behind may be there."""
    if settings.root.exists() and not settings.root.is_dir():
        raise InputError(f"{settings.root} is not a folder: set dataset.root to a new folder")
    ours = set(_files(settings))
    for path in sorted(settings.root.rglob("*")):
        name = path.relative_to(settings.root).as_posix().replace(".part.", "")
        if not path.is_dir() and name not in ours | {STAMP}:
            raise InputError(
                f"{settings.root} is not empty and holds no finished toyscapes, but '{name}': "
                "set dataset.root to a new folder"
            )


def _generate(settings: ToyscapesSettings) -> None:
    """Write the whole folder, the stamp last."""
    root, classes = settings.root, load_classes("toyscapes")
    logger.info("drawing %d toyscapes into %s", settings.train_images + settings.val_images, root)
    writer = PseudoLabelWriter(root / "pseudo_labels", classes, {"backend": "toyscapes", **_stamp(settings)})
    jobs = [(index, image_id) for split in SPLITS for index, image_id in enumerate(_ids(settings, split), FIRST[split])]
    for index, image_id in bar(jobs, "drawing toyscapes"):
        _write_scene(settings, classes, writer, index, image_id)
    writer.finish()
    classes.write(root / "classes.yaml")
    for split in SPLITS:
        write_text(root / f"{split}.txt", "".join(f"{image_id}\n" for image_id in _ids(settings, split)))
    write_json(root / STAMP, _stamp(settings))


def _write_scene(
    settings: ToyscapesSettings, classes: ClassSet, writer: PseudoLabelWriter, index: int, image_id: str
) -> None:
    drawn = scene(settings.seed, index, settings.height, settings.width)
    image = at_night(drawn.image, settings.seed, index) if settings.light == "night" else drawn.image
    write_image(settings.root / "images" / f"{image_id}.png", image)
    write_label_map(settings.root / "ground_truth" / f"{image_id}.png", drawn.labels, classes.palette())
    if index < FIRST["val"]:
        writer.write(image_id, *detect(drawn, settings.seed, index))
