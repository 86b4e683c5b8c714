"""The canvas of the drawn street scenes: a pinhole camera, light and haze, and who owns which pixel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw

Points = NDArray[np.float64]  # (N, 3) metres: right of the camera, above the ground, ahead
Color = NDArray[np.float64]  # (3,) RGB, 0..255
Rng = np.random.Generator

SUPERSAMPLING = 4  # the canvas is drawn this much finer than the picture
EYE = 1.7  # metres above the ground
TEXTURE = (4.5, 6.0, 5.0, 11.0, 1.0, 3.0, 6.0, 4.0, 3.0, 3.0, 3.0, 5.0)  # grey levels per class


class Kind(IntEnum):
    """The class indices of configs/classes/toyscapes.yaml."""

    ROAD = 0
    SIDEWALK = 1
    BUILDING = 2
    VEGETATION = 3
    SKY = 4
    CAR = 5
    PERSON = 6
    POLE = 7
    TRAFFIC_SIGN = 8
    TRAFFIC_LIGHT = 9
    BUS = 10
    BICYCLE = 11


@dataclass(frozen=True)
class SceneObject:
    """One drawn object.

    Attributes:
        label: Its class index.
        oddness: How unlike its class it looks, 0 (typical) to 1; a detector errs more often on odd objects.
        mask: (H, W) bool, its visible pixels.
    """

    label: int
    oddness: float
    mask: NDArray[np.bool_]


@dataclass(frozen=True)
class Scene:
    """A picture with exact labels.

    Attributes:
        image: (H, W, 3) uint8, RGB.
        labels: (H, W) uint8, class indices; every pixel has one.
        objects: The visible objects, from back to front; their masks partition the picture.
    """

    image: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    objects: tuple[SceneObject, ...]


@dataclass(frozen=True)
class Mood:
    """Time of day and weather: RGB colours (0..255), light per channel (1 = full), visibility in metres."""

    zenith: tuple[int, int, int]
    horizon: tuple[int, int, int]
    light: tuple[float, float, float]
    visibility: float
    shadow: int
    lit_windows: float
    clouds: float


MOODS = (
    Mood((70, 136, 214), (196, 222, 240), (1.04, 1.02, 0.98), 190, 105, 0.0, 0.5),  # noon
    Mood((96, 152, 206), (232, 228, 214), (1.08, 0.98, 0.86), 150, 90, 0.0, 0.6),  # morning
    Mood((158, 168, 178), (208, 211, 213), (0.86, 0.88, 0.91), 100, 40, 0.1, 0.9),  # overcast
    Mood((104, 128, 182), (252, 196, 138), (1.05, 0.86, 0.68), 120, 80, 0.25, 0.6),  # evening
    Mood((48, 58, 106), (214, 142, 132), (0.62, 0.58, 0.70), 130, 35, 0.55, 0.5),  # dusk
    Mood((196, 202, 206), (214, 216, 215), (0.84, 0.86, 0.87), 42, 22, 0.15, 0.3),  # mist
)


def smooth_noise(rng: Rng, height: int, width: int, cells: tuple[float, float]) -> NDArray[np.float64]:
    """Smooth random field (height, width) of about unit variance, with bumps of `cells` = (rows, cols) pixels."""
    coarse = rng.normal(size=(max(2, round(height / cells[0])), max(2, round(width / cells[1]))))
    field = Image.fromarray(coarse.astype(np.float32)).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(field, dtype=np.float64) * 1.4


def pick(rng: Rng, colors: Sequence[tuple[int, int, int]]) -> Color:
    """One of the colours, a little off."""
    return np.clip(np.array(colors[int(rng.integers(len(colors)))]) + rng.normal(0, 12, 3), 8, 250)


def mix(first: ArrayLike, second: ArrayLike, share: float) -> Color:
    """`share` of the second colour in the first."""
    return (1 - share) * np.asarray(first, dtype=np.float64) + share * np.asarray(second, dtype=np.float64)


def upright(left: float, right: float, bottom: float, top: float, z: float) -> Points:
    """A rectangle that faces the camera: bottom left, bottom right, top right, top left."""
    return np.array([(left, bottom, z), (right, bottom, z), (right, top, z), (left, top, z)], dtype=np.float64)


def wall(x: float, near: float, far: float, bottom: float, top: float) -> Points:
    """A rectangle along the street: bottom near, bottom far, top far, top near."""
    return np.array([(x, bottom, near), (x, bottom, far), (x, top, far), (x, top, near)], dtype=np.float64)


def floor(left: float, right: float, near: float, far: float) -> Points:
    """A rectangle on the ground."""
    return np.array([(left, 0, near), (right, 0, near), (right, 0, far), (left, 0, far)], dtype=np.float64)


def disc(x: float, y: float, z: float, radius: float, flat: float = 1.0, corners: int = 14) -> Points:
    """A disc (ellipse when `flat` is not 1) that faces the camera."""
    turn = np.arange(corners) * (2 * np.pi / corners) + np.pi / corners
    return np.stack([x + radius * np.cos(turn), y + flat * radius * np.sin(turn), np.full(corners, z)], axis=1)


def panel(face: Points, left: float, right: float, bottom: float, top: float) -> Points:
    """Part of a four-cornered face, in shares of its width and height."""
    u, v = np.array([left, right, right, left])[:, None], np.array([bottom, bottom, top, top])[:, None]
    lower, upper = face[0] + u * (face[1] - face[0]), face[3] + u * (face[2] - face[3])
    return lower + v * (upper - lower)


class Brush:
    """Draws polygons given in metres into a colour picture, and marks in a second one to whom each pixel belongs."""

    def __init__(self, rng: Rng, height: int, width: int) -> None:
        self.mood = MOODS[rng.integers(len(MOODS))]
        self.objects: list[tuple[Kind, float]] = []
        self._light = np.array(self.mood.light) * rng.uniform(0.9, 1.08)
        self._size = (height, width)
        self._focal = SUPERSAMPLING * width * rng.uniform(0.72, 0.9)
        self._centre = SUPERSAMPLING * np.array([width * rng.uniform(0.38, 0.62), height * rng.uniform(0.4, 0.5)])
        self._color = Image.new("RGB", (width * SUPERSAMPLING, height * SUPERSAMPLING))
        self._owner = Image.new("I", self._color.size)
        self._paint, self._mark = ImageDraw.Draw(self._color, "RGBA"), ImageDraw.Draw(self._owner)

    @property
    def horizon(self) -> float:
        """Row of the horizon, as a share of the height."""
        return float(self._centre[1]) / self._color.height

    def begin(self, kind: Kind, oddness: float = 0.0) -> None:
        """Start an object: what is filled from now on belongs to it."""
        self.objects.append((kind, oddness))

    def backdrop(self, picture: NDArray[np.uint8]) -> None:
        """Fill the whole canvas with a picture (H, W, 3) of the object begun last."""
        self._color.paste(Image.fromarray(picture).resize(self._color.size, Image.Resampling.BICUBIC))
        self._owner.paste(len(self.objects) - 1, (0, 0, *self._owner.size))

    def fill(
        self, points: Points, color: ArrayLike, alpha: int = 255, mark: bool = True, glow: bool = False, line: float = 0
    ) -> None:
        """Draw a polygon, or with `line` > 0 a stroke of that many metres, of the object begun last.

        Args:
            points: (N, 3) metres.
            color: RGB 0..255, before light and haze.
            alpha: Opacity 0..255 of the colour.
            mark: False for shadows and the like, which change the colour of a pixel but not its owner.
            glow: True for lamps and lit windows, which the light of the scene does not dim.
            line: Thickness in metres.
        """
        depth = np.maximum(points[:, 2], 0.8)
        shown = self._centre + self._focal * np.stack([points[:, 0], EYE - points[:, 1]], axis=1) / depth[:, None]
        xy = [(float(col), float(row)) for col, row in shown]
        tone = np.asarray(color, dtype=np.float64) * (1 if glow else self._light)
        tone = mix(tone, self.mood.horizon, 1 - float(np.exp(-depth.mean() / self.mood.visibility)))
        red, green, blue = np.clip(np.rint(tone), 0, 255).astype(int).tolist()
        owner = len(self.objects) - 1
        thickness = max(1, round(line * self._focal / float(depth.mean())))
        if line:
            self._paint.line(xy, (red, green, blue, alpha), thickness)
        else:
            self._paint.polygon(xy, (red, green, blue, alpha))
        if mark and line:
            self._mark.line(xy, owner, thickness)
        elif mark:
            self._mark.polygon(xy, owner)

    def finish(self, rng: Rng) -> Scene:
        """Reduce the canvas to the picture, add texture and sensor noise, and read off who owns which pixel."""
        height, width = self._size
        owner = np.asarray(self._owner)[SUPERSAMPLING // 2 :: SUPERSAMPLING, SUPERSAMPLING // 2 :: SUPERSAMPLING]
        labels = np.array([kind for kind, _ in self.objects], dtype=np.uint8)[owner]
        picture = np.asarray(self._color.resize((width, height), Image.Resampling.BOX), dtype=np.float64)
        fine, coarse = rng.normal(size=(height, width)), smooth_noise(rng, height, width, (3, 5))
        texture = np.array(TEXTURE)[labels] * (0.6 * fine + 0.6 * coarse)
        noise = rng.normal(size=picture.shape) * rng.uniform(1.5, 5)
        image = np.clip(picture + texture[..., None] + noise, 0, 255).astype(np.uint8)
        seen = [
            SceneObject(int(kind), odd, owner == k) for k, (kind, odd) in enumerate(self.objects) if (owner == k).any()
        ]
        return Scene(image, labels, tuple(seen))
