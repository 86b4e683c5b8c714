"""Reading and writing images, label maps and mask maps, with errors that name the file."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, PngImagePlugin, UnidentifiedImageError

from a2lc.foundation.errors import InputError, refuse
from a2lc.foundation.files import atomic_path
from a2lc.foundation.ids import valid_id
from a2lc.foundation.readers.text import check_regular

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp")
_ORIENTATION = 0x0112  # EXIF tag
_COMMENT = "Comment"  # keyword of a text chunk of PNG
_HEADED = (".jpg", ".jpeg", ".tif", ".tiff", ".webp")  # where EXIF data stand before the pixels
_LOSSY = ("JPEG", "MPO", "JPEG2000", "WEBP", "AVIF")  # what they keep is near the values that were written
_STRETCH = {"L;2": 85, "L;4": 17}  # by which Pillow multiplies greyscale of 2 and 4 bits
_INDEX_MODES = ("P", "L", "1", "I", "I;16", "I;16B")
_DEEP_MODES = ("I", "I;16", "I;16B", "I;16L", "F")  # more than 8 bits; Pillow cuts them off at 255 where it converts


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """Open an image for the block; whatever goes wrong names the file."""
    check_regular(path)  # a pipe would be waited for
    try:
        with Image.open(path) as image:
            yield image
    except UnidentifiedImageError:
        raise InputError(f"{path} is not an image that can be read: replace or remove it") from None
    except Image.DecompressionBombError:
        raise InputError(f"{path} is too large, more than {_most_pixels():,} pixels: make it smaller") from None
    except (OSError, EOFError, LookupError, SyntaxError, TypeError, ValueError, struct.error) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path} cannot be read ({error}): replace it") from None


def _most_pixels() -> int:
    """How many pixels an image may have."""
    return 2 * (Image.MAX_IMAGE_PIXELS or 0)  # Pillow warns of half as many


def read_image(path: Path) -> NDArray[np.uint8]:
    """Read a photo as RGB (H, W, 3) uint8, with its EXIF orientation applied; of an animation the first picture.

    Raises:
        InputError: When the file is missing, truncated, too large or no image.
    """
    with _opened(path) as image:
        return np.asarray(_eight_bits(ImageOps.exif_transpose(image), path).convert("RGB"))


def image_orientation(path: Path) -> int:
    """Return the EXIF orientation, 1 (upright) to 8, from the header alone.

    Raises:
        InputError: When the file is missing or no image.
    """
    with _opened(path) as image:
        return _orientation(image, path)


def _orientation(image: Image.Image, path: Path) -> int:
    """EXIF orientation, 1 (upright) to 8."""
    if "exif" not in image.info and path.suffix.lower() not in _HEADED:
        return 1
    orientation = image.getexif().get(_ORIENTATION, 1)
    return orientation if orientation in range(1, 9) else 1


def _eight_bits(image: Image.Image, path: Path) -> Image.Image:
    """Greyscale of 16 bits as greyscale of 8, its lower bits dropped; every other image as it is."""
    if image.mode not in _DEEP_MODES:
        return image
    grey = np.asarray(image)
    if image.mode == "F" or grey.min() < 0 or grey.max() > 65535:
        raise InputError(f"{path} has 32 bits for each pixel: save it with 8 or 16")
    return Image.fromarray((grey >> 8).astype(np.uint8))


def images_by_id(folder: Path, files: Iterable[Path]) -> dict[str, Path]:
    """Those of the files that are images by their suffix, sorted, by image id: the path below `folder` without suffix.

    Ids are in one Unicode form (NFC), whatever form the files have.

    Raises:
        InputError: When there is none, two share an id, a name cannot be one, or a file is none (a pipe, a device).
    """
    images: dict[str, Path] = {}
    problems = []
    for path in sorted(path for path in files if path.suffix.lower() in IMAGE_SUFFIXES):
        try:
            image_id = valid_id(path.relative_to(folder).with_suffix("").as_posix(), path.parent)
            check_regular(path)
        except InputError as error:
            problems.append(str(error))
            continue
        if image_id in images:
            what = "their suffix" if images[image_id].suffix != path.suffix else "the Unicode form of their names"
            problems.append(f"{images[image_id]} and {path} differ only in {what}: rename one")
        images[image_id] = path
    refuse(f"{folder} has images with names that cannot be used", problems)
    if not images:
        raise InputError(f"{folder} holds no image ({', '.join(IMAGE_SUFFIXES)}): give a folder that does")
    return images


def image_size(path: Path) -> tuple[int, int]:
    """Return (height, width) in pixels from the header alone, EXIF orientation applied.

    Raises:
        InputError: When the file is missing or no image.
    """
    with _opened(path) as image:
        width, height = image.size
        turned = _orientation(image, path) >= 5
    return (width, height) if turned else (height, width)


def read_index_map(path: Path) -> NDArray[np.integer]:
    """Read a label or mask map: (H, W) integers, the stored indices and never the palette's colours.

    Raises:
        InputError: When the file is missing, unreadable, or holds colours instead of one index per
            pixel, or was compressed with loss.
    """
    with _opened(path) as image:
        if image.format in _LOSSY or image.info.get("compression") == "jpeg":
            raise InputError(f"{path} is a {image.format}, whose compression changes indices: save the map as PNG")
        if image.mode not in _INDEX_MODES:
            raise InputError(
                f"{path} has mode {image.mode}: expected one index per pixel (palette or greyscale PNG), not colours"
            )
        stretch = _stretch(image)
        indices = np.asarray(image)
    if indices.dtype == bool:
        return indices.astype(np.uint8)
    return indices if stretch == 1 else indices // np.uint8(stretch)


def _stretch(image: Image.Image) -> int:
    """By what Pillow multiplies the stored values of an image that is not loaded yet."""
    tiles = getattr(image, "tile", ())  # of each: codec, place, offset, how it is stored, alone or first in a tuple
    stored = tiles[0][3] if tiles else ""
    return _STRETCH.get(str(stored[0] if isinstance(stored, tuple) else stored), 1)


def write_label_map(path: Path, labels: NDArray[np.uint8], palette: bytes) -> None:
    """Write (H, W) class indices as a palette PNG, atomically.

    Args:
        path: Target, `.png`.
        labels: (H, W) uint8, 255 = void.
        palette: 768 bytes, R G B for each index (`ClassSet.palette`).
    """
    image = Image.fromarray(np.ascontiguousarray(labels, dtype=np.uint8), mode=None).convert("L")
    image.putpalette(palette)
    with atomic_path(path) as temporary:
        image.save(temporary, format="PNG")


def write_mask_map(path: Path, masks: NDArray[np.integer]) -> None:
    """Write (H, W) mask ids (0 = no mask, at most 65535) as a 16-bit PNG, atomically.

    Raises:
        ValueError: When an id does not fit into 16 bits.
    """
    if masks.size and (masks.min() < 0 or masks.max() > 65535):
        raise ValueError(f"mask ids must lie in [0, 65535], got [{masks.min()}, {masks.max()}] for {path}")
    with atomic_path(path) as temporary:
        Image.fromarray(np.ascontiguousarray(masks, dtype=np.uint16)).save(temporary, format="PNG")


def write_image(path: Path, image: NDArray[np.uint8], comment: str = "") -> None:
    """Write an RGB (H, W, 3) uint8 picture atomically; the format follows the suffix.

    Args:
        path: Target.
        image: The picture.
        comment: Kept beside the pixels of PNG and JPEG, see `image_comment`.
    """
    options: dict[str, Any] = {}
    if comment:
        options["pnginfo"] = PngImagePlugin.PngInfo()
        options["pnginfo"].add_text(_COMMENT, comment)
        options["comment"] = comment  # of JPEG
    with atomic_path(path) as temporary:
        Image.fromarray(image).save(temporary, **options)


def image_comment(path: Path) -> str:
    """The comment that `write_image` put beside the pixels; empty when there is none or the file is no image."""
    try:
        with _opened(path) as image:
            comment = image.info.get(_COMMENT) or image.info.get("comment") or ""
    except InputError:
        return ""
    return comment.decode(errors="replace") if isinstance(comment, bytes) else str(comment)
