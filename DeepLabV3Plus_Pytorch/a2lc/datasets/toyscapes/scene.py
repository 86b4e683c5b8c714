"""The drawn street scenes, each a pure function of (seed, index): sky, street, houses, and where things stand."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from a2lc.datasets.toyscapes.canvas import (
    Brush,
    Color,
    Kind,
    Points,
    Rng,
    Scene,
    disc,
    floor,
    mix,
    panel,
    pick,
    smooth_noise,
    upright,
    wall,
)
from a2lc.datasets.toyscapes.things import (
    CARS,
    FOLIAGE,
    GLASS,
    LIT,
    draw_bicycle,
    draw_bus,
    draw_car,
    draw_grove,
    draw_lamp_post,
    draw_person,
    draw_traffic_light,
    draw_traffic_sign,
    draw_tree,
)
from a2lc.foundation.seeding import generator

ASPHALT, PAVING, DRY_GRASS, ROOFS = (98, 98, 104), (164, 154, 146), (170, 152, 104), ((150, 76, 60), (92, 88, 92))
FACADES = ((196, 164, 130), (176, 108, 86), (206, 196, 176), (148, 140, 136), (188, 182, 150), (156, 120, 108))
MARKS = (226, 226, 220)
FAR = 240.0  # metres ahead at which the ground ends

Things = list[tuple[float, Callable[[], None]]]  # distance in metres, and what draws the thing


def scene(seed: int, index: int, height: int = 96, width: int = 160) -> Scene:
    """Draw one scene.

    Args:
        seed: Seed of the data set.
        index: Which scene.
        height: Rows of the picture.
        width: Columns of the picture.
    """
    rng = generator("toyscapes scene", seed, index)
    brush = Brush(rng, height, width)
    road = (-rng.uniform(4.2, 7.5), rng.uniform(2.2, 4.2))
    walks = (rng.uniform(1.8, 3.6), rng.uniform(1.8, 3.6))
    _sky(brush, rng, height, width)
    _distance(brush, rng)
    for side in (0, 1):
        _sidewalk(brush, rng, 2 * side - 1, abs(road[side]), walks[side])
    _road(brush, rng, road)
    things: Things = []
    for side in (0, 1):
        _roadside(brush, rng, 2 * side - 1, abs(road[side]), walks[side], things)
    _traffic(brush, rng, road, things)
    for _, draw in sorted(things, key=lambda thing: -thing[0]):
        draw()
    return brush.finish(rng)


def _sky(brush: Brush, rng: Rng, height: int, width: int) -> None:
    brush.begin(Kind.SKY)
    depth = np.clip(np.linspace(0, 1 / brush.horizon, height), 0, 1)[:, None, None] ** 0.8
    gradient = (1 - depth) * np.array(brush.mood.zenith) + depth * np.array(brush.mood.horizon)
    puffs = np.zeros((height, width))
    for octave in (1, 2, 4):
        puffs += smooth_noise(rng, height, width, (height / 12 / octave, height / 3.7 / octave)) / octave
    veil = 0.8 * np.clip(puffs * 0.55 + brush.mood.clouds - 0.5, 0, 1)[..., None]
    white = mix(brush.mood.horizon, (255, 255, 255), 0.55)
    brush.backdrop(np.clip((1 - veil) * gradient + veil * white, 0, 255).astype(np.uint8))


def _distance(brush: Brush, rng: Rng) -> None:
    """What closes the street at its far end: a tree line or a skyline."""
    if rng.random() < 0.5:
        brush.begin(Kind.VEGETATION, 0.3)
        color = pick(rng, FOLIAGE)
        for x in np.arange(-190, 190, 6.0):
            brush.fill(disc(x, 3, FAR, rng.uniform(6, 11)), color * rng.uniform(0.8, 1.1))
        return
    brush.begin(Kind.BUILDING, 0.3)
    for x in np.arange(-190, 190, 14.0):
        brush.fill(upright(x, x + rng.uniform(10, 18), 0, rng.uniform(8, 30), FAR), pick(rng, FACADES) * 0.8)


def _strip(brush: Brush, left: float, right: float, color: ArrayLike) -> None:
    """Ground all along the street, in pieces so that each gets the haze of its own distance."""
    for near, far in pairwise(np.geomspace(1, FAR, 24)):
        brush.fill(floor(left, right, near, far), color)


def _surface(rng: Rng, color: tuple[int, int, int]) -> Color:
    return np.array(color) * rng.uniform(0.88, 1.1) + rng.normal(0, 3, 3)


def _sidewalk(brush: Brush, rng: Rng, side: int, kerb: float, walk: float) -> None:
    """Paving slabs behind a kerb, on the left (side -1) or right (1); an odd sidewalk is nearly as grey as asphalt."""
    odd, edge = float(rng.random()), side * kerb
    brush.begin(Kind.SIDEWALK, odd)
    color = mix(_surface(rng, PAVING), ASPHALT, 0.85 * odd**1.5)
    _strip(brush, edge, side * 60.0, color)
    for z in 2.0 + 1.6 * np.arange(16):  # joints between the slabs
        brush.fill(floor(edge, edge + side * walk, z, z + 0.05 + 0.004 * z), color * 0.84)
    _strip(brush, edge, edge + side * 0.22, color * 1.14)


def _road(brush: Brush, rng: Rng, road: tuple[float, float]) -> None:
    """Asphalt with patches and marks; an odd road is nearly as pale as paving."""
    odd = float(rng.random())
    brush.begin(Kind.ROAD, odd)
    color = mix(_surface(rng, ASPHALT), PAVING, 0.6 * odd**2)
    _strip(brush, road[0], road[1], color)
    for _ in range(rng.integers(0, 4)):  # patches of newer asphalt
        x, z = rng.uniform(road[0], road[1] - 1), rng.uniform(4, 25)
        brush.fill(floor(x, min(x + rng.uniform(0.6, 2.5), road[1]), z, z + rng.uniform(1, 6)), color * 0.86)
    middle, dash = sum(road) / 2 - rng.uniform(0, 0.6), rng.uniform(2, 4)
    for z in np.arange(rng.uniform(1, 4), 90, 2 * dash):
        brush.fill(floor(middle - 0.08, middle + 0.08, z, z + dash), MARKS, alpha=220)
    if rng.random() < 0.5:  # edge lines
        for x in (road[0] + 0.3, road[1] - 0.4):
            brush.fill(floor(x, x + 0.1, 1, 60), MARKS, alpha=170)
    if rng.random() < 0.35:  # a zebra crossing
        z = rng.uniform(6.5, 15)
        for x in np.arange(road[0] + 0.3, road[1] - 0.5, 1.0):
            brush.fill(floor(x, x + 0.5, z, z + 2.6), MARKS, alpha=215)


def _roadside(brush: Brush, rng: Rng, side: int, kerb: float, walk: float, things: Things) -> None:
    """Houses or a park behind the sidewalk, and what stands and walks on it."""
    line = kerb + walk
    if rng.random() < 0.3:
        _park(brush, rng, side, line, things)
    else:
        _row_of_houses(brush, rng, side, line)
    for z in rng.uniform(7, 34, size=rng.integers(0, 3)):
        things.append((z, partial(draw_tree, brush, rng, side * (line - 0.5), z)))
    for draw, chance in ((draw_lamp_post, 0.5), (draw_traffic_sign, 0.45), (draw_traffic_light, 0.4)):
        if rng.random() < chance:
            x, z = side * (kerb + rng.uniform(0.2, 0.7)), rng.uniform(5.5, 12)
            things.append((z, partial(draw, brush, rng, x, z)))
    for z in rng.uniform(5.5, 15, size=rng.integers(0, 3)):
        things.append((z, partial(draw_person, brush, rng, side * rng.uniform(kerb + 0.3, line), z)))
    if rng.random() < 0.2:
        x, z = side * rng.uniform(kerb + 0.6, line), rng.uniform(5.5, 11)
        things.append((z, partial(draw_bicycle, brush, rng, x, z, rider=False)))


def _park(brush: Brush, rng: Rng, side: int, line: float, things: Things) -> None:
    """Grass and trees; odd grass is dry."""
    odd = float(rng.random())
    brush.begin(Kind.VEGETATION, odd)
    _strip(brush, side * line, side * 60.0, mix(pick(rng, FOLIAGE) * 1.15, DRY_GRASS, 0.7 * odd**2))
    for z in rng.uniform(8, 60, size=7):
        things.append((z, partial(draw_tree, brush, rng, side * (line + rng.uniform(1, 10)), z)))
    draw_grove(brush, rng, side * (line + 9), 40, 110)


def _row_of_houses(brush: Brush, rng: Rng, side: int, line: float) -> None:
    starts = [1.2]
    while starts[-1] < 85:
        starts.append(starts[-1] + rng.uniform(7, 17) + (rng.uniform(3, 7) if rng.random() < 0.15 else 0))
    for near, far in reversed(list(pairwise(starts))):
        if rng.random() < 0.12:
            draw_grove(brush, rng, side * (line + 3), near, far)
        else:
            _house(brush, rng, side, line + rng.uniform(0, 0.8), near, min(far, near + rng.uniform(9, 16)))


def _house(brush: Brush, rng: Rng, side: int, line: float, near: float, far: float) -> None:
    """A house; an odd one is overgrown, so that its colour nears that of foliage."""
    odd, floors = float(rng.random()), int(rng.integers(2, 7))
    height = 2.9 * floors + 0.8
    front, facade = upright(side * line, side * (line + 14), 0, height, near), wall(side * line, near, far, 0, height)
    brush.begin(Kind.BUILDING, odd)
    color = mix(pick(rng, FACADES), FOLIAGE[0], 0.55 * odd**3)
    brush.fill(front, color * 0.92)
    brush.fill(facade, color * rng.uniform(0.66, 1.08))
    if floors <= 3 and rng.random() < 0.7:  # a pitched roof
        ridge = wall(side * (line + 3.5), near, far, height, height + 2.8)
        brush.fill(np.array([front[3], ridge[3], front[3] + (side * 7, 0, 0)]), color * 0.92)
        brush.fill(np.array([facade[3], facade[2], ridge[2], ridge[3]]), mix(*ROOFS, rng.random()))
    _windows(brush, rng, facade, round((far - near) / 2.6), floors)
    _windows(brush, rng, front, 5, floors)
    brush.fill(panel(facade, 0, 1, 0.965, 1), color * 1.15)
    if rng.random() < 0.4:  # a shop front with its awning
        brush.fill(panel(facade, 0.08, 0.92, 0.0, 2.2 / height), GLASS)
        brush.fill(panel(facade, 0.05, 0.95, 2.2 / height, 2.9 / height), pick(rng, CARS))


def _windows(brush: Brush, rng: Rng, face: Points, columns: int, floors: int) -> None:
    inset, glass = rng.uniform(0.2, 0.3), mix(GLASS, brush.mood.horizon, rng.uniform(0, 0.35))
    for column, level in np.ndindex(columns, floors):
        left, right = (column + inset) / columns, (column + 1 - inset) / columns
        lit = bool(rng.random() < brush.mood.lit_windows)
        window = panel(face, left, right, (level + 0.3) / floors, (level + 0.82) / floors)
        brush.fill(window, LIT if lit else glass, glow=lit)


def _traffic(brush: Brush, rng: Rng, road: tuple[float, float], things: Things) -> None:
    """Parked and driving vehicles, sometimes a bus among them, a cyclist, or somebody crossing."""
    lanes = (road[0] + 1.1, sum(road) / 2 - 1.5, min(0.3, road[1] - 2.2), road[1] - 1.0)
    spots = [(x, z, lane < 2) for lane, x in enumerate(lanes) for z in (8.5, 15.0, 23.0, 33.0)]
    taken: list[tuple[float, float]] = []
    draw = draw_bus if rng.random() < 0.5 else draw_car
    for spot in rng.permutation(len(spots))[: rng.integers(2, 6)]:
        x, z, oncoming = spots[spot]
        if all(abs(x - other) > 2.2 or abs(z - depth) > 11 for other, depth in taken):
            taken.append((x, z))
            things.append((z, partial(draw, brush, rng, x, z, oncoming)))
            draw = draw_car  # at most one bus
    if rng.random() < 0.4:
        x, z = rng.uniform(road[0] + 0.5, road[1] - 0.5), rng.uniform(5.5, 12)
        things.append((z, partial(draw_bicycle, brush, rng, x, z, rider=bool(rng.random() < 0.8))))
    if rng.random() < 0.25:
        x, z = rng.uniform(*road), rng.uniform(6, 12)
        things.append((z, partial(draw_person, brush, rng, x, z)))
