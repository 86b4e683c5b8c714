"""The things of a drawn street: trees, posts, signs, people, bicycles, cars and buses, each at (x, z) metres.

Everything draws how odd it looks; an odd one resembles another class, and the simulated detector errs on it more often.
"""

from __future__ import annotations

import numpy as np

from a2lc.datasets.toyscapes.canvas import Brush, Color, Kind, Points, Rng, disc, mix, panel, pick, upright

FOLIAGE = ((72, 116, 52), (92, 132, 58), (58, 100, 62), (108, 138, 66))
AUTUMN = ((176, 118, 60), (150, 96, 70), (170, 150, 96))
CARS = ((196, 44, 44), (44, 84, 160), (232, 232, 232), (52, 54, 60), (150, 156, 164), (40, 110, 84), (212, 170, 60))
BUSES = ((214, 52, 44), (240, 186, 40), (44, 136, 96), (50, 104, 196))
CLOTHES = ((200, 60, 60), (60, 90, 170), (230, 200, 80), (60, 60, 66), (220, 220, 220), (90, 140, 90), (180, 100, 150))
SKIN = ((236, 196, 168), (206, 158, 124), (142, 98, 72), (96, 66, 50))
DENIM, DARK_HAIR, FAIR_HAIR = (44, 48, 66), (40, 30, 26), (150, 110, 60)
BARK, GLASS, LIT, TYRE = (86, 66, 50), (66, 86, 106), (255, 222, 150), (28, 28, 32)
STEEL, RUST = (112, 116, 120), (92, 76, 60)
PALE, BLACK, SHADOW, SILVER = (232, 232, 226), (40, 40, 44), (16, 18, 28), (190, 194, 198)
LAMPS = ((236, 52, 44), (248, 176, 40), (70, 214, 100))  # red, amber, green
HEADLIGHT, TAILLIGHT = (255, 250, 226), (206, 30, 34)
SIGNS = (  # rim, plate, corners
    ((206, 36, 40), (240, 240, 236), 16),
    ((206, 36, 40), (240, 240, 236), 3),
    ((240, 240, 240), (36, 92, 186), 4),
    ((236, 236, 236), (200, 34, 40), 8),
    ((40, 40, 40), (244, 200, 44), 4),
)


def draw_grove(brush: Brush, rng: Rng, x: float, near: float, far: float) -> None:
    """Bushes and low trees in a row along the street."""
    brush.begin(Kind.VEGETATION, float(rng.random()))
    color = pick(rng, FOLIAGE)
    for z in np.linspace(far, near, 9):
        for lift in (0.4, 0.7, 1.0):
            clump = disc(x + rng.uniform(-2.5, 2.5), 4.4 * lift, z, rng.uniform(1.4, 2.6))
            brush.fill(clump, color * (0.45 + 0.55 * lift) * rng.uniform(0.9, 1.1))


def draw_tree(brush: Brush, rng: Rng, x: float, z: float) -> None:
    """A tree; an odd one wears autumn, whose browns are those of brick."""
    odd, height, girth = float(rng.random()), rng.uniform(4.2, 7.5), rng.uniform(1.1, 2.0)
    brush.begin(Kind.VEGETATION, odd)
    color = mix(pick(rng, FOLIAGE), pick(rng, AUTUMN), odd**2)
    _shadow(brush, x, z, girth * 1.2, 0.7)
    brush.fill(upright(x - 0.14, x + 0.14, 0, height * 0.6, z), BARK)
    for lift in np.linspace(0, 1, 22):  # clumps of leaves, the upper left ones in the light
        turn, reach = rng.uniform(0, 2 * np.pi), girth * rng.uniform(0.1, 0.85)
        across, up = reach * np.cos(turn) - 0.2 * lift, height * (0.62 + 0.22 * lift) + 0.7 * reach * np.sin(turn)
        clump = disc(x + across, up, z, girth * rng.uniform(0.3, 0.5))
        brush.fill(clump, color * (0.62 + 0.5 * lift) * rng.uniform(0.92, 1.08))


def _shadow(brush: Brush, x: float, z: float, radius: float, length: float) -> None:
    """A soft ellipse on the ground: `radius` across the street, `length` along it."""
    ring = disc(0, 0, 0, 1.0)
    ground = np.column_stack([x + radius * ring[:, 0], np.zeros(len(ring)), z + length * ring[:, 1]])
    brush.fill(ground, SHADOW, alpha=brush.mood.shadow, mark=False)


def _post(brush: Brush, rng: Rng, x: float, z: float, height: float, girth: float) -> None:
    odd = float(rng.random())
    brush.begin(Kind.POLE, odd)
    color = mix(STEEL, RUST, odd**2) * rng.uniform(0.7, 1.2)
    brush.fill(upright(x - girth, x + girth, 0, height, z), color)
    brush.fill(upright(x, x + girth, 0, height, z), color * 0.75)


def draw_lamp_post(brush: Brush, rng: Rng, x: float, z: float) -> None:
    """A lamp post whose arm reaches over the road."""
    height, reach = rng.uniform(4.8, 6.5), -np.sign(x)
    _post(brush, rng, x, z, height, 0.1)
    arm = np.array([(x, height, z), (x + reach * 0.6, height + 0.35, z), (x + reach * 1.7, height + 0.4, z)])
    brush.fill(arm, STEEL, line=0.12)
    dark = brush.mood.lit_windows > 0.2
    brush.fill(disc(x + reach * 1.8, height + 0.35, z, 0.3, 0.5), LIT if dark else PALE, glow=dark)


def draw_traffic_sign(brush: Brush, rng: Rng, x: float, z: float) -> None:
    """A traffic sign on its post; an odd one is a dark upright board, much like the box of a traffic light."""
    height, odd = rng.uniform(2.3, 2.9), float(rng.random())
    _post(brush, rng, x, z, height, 0.07)
    brush.begin(Kind.TRAFFIC_SIGN, odd)
    if odd > 0.75:
        brush.fill(upright(x - 0.38, x + 0.38, height - 0.58, height + 0.58, z), (46, 54, 74))
        for line in (-0.22, 0.1):
            brush.fill(upright(x - 0.22, x + 0.22, height + line, height + line + 0.14, z), PALE)
        return
    rim, plate, corners = SIGNS[rng.integers(len(SIGNS))]
    size = rng.uniform(0.46, 0.62)
    brush.fill(disc(x, height, z, size * 1.1, corners=corners), rim)
    brush.fill(disc(x, height, z, size * 0.78, corners=corners), plate)
    brush.fill(upright(x - 0.16, x + 0.16, height - 0.1, height + 0.1, z), mix(plate, (20, 20, 20), 0.75))


def draw_traffic_light(brush: Brush, rng: Rng, x: float, z: float) -> None:
    """A traffic light on its post; an odd one has a yellow or pale box, as bright as a sign."""
    height, odd = rng.uniform(2.8, 3.6), float(rng.random())
    _post(brush, rng, x, z, height, 0.09)
    brush.begin(Kind.TRAFFIC_LIGHT, odd)
    box = mix((34, 36, 40), (222, 188, 60) if rng.random() < 0.5 else SILVER, 0.9 * odd**2)
    brush.fill(upright(x - 0.31, x + 0.31, height - 0.66, height + 0.66, z), box)
    burning = int(rng.integers(3))
    for lamp, color in enumerate(LAMPS):
        on = lamp == burning
        brush.fill(disc(x, height + 0.38 - 0.38 * lamp, z, 0.17), np.array(color) * (1 if on else 0.35), glow=on)


def draw_person(brush: Brush, rng: Rng, x: float, z: float, seat: float = 0.0) -> None:
    """Somebody walking, or with `seat` > 0 sitting that many metres higher on a bicycle."""
    tall, step = rng.uniform(1.55, 1.9), rng.uniform(0.08, 0.26)
    brush.begin(Kind.PERSON, float(rng.random()))
    coat, trousers = pick(rng, CLOTHES), mix(pick(rng, CLOTHES), DENIM, 0.7)
    foot, hip = (0.3 if seat else 0.0), 0.5 * tall + seat
    shoulder = hip + 0.31 * tall
    if not seat:
        _shadow(brush, x, z, 0.4, 0.35)
    for turn in (-1, 1):
        leg = [(0, hip), (turn * step * 0.6, (hip + foot) / 2), (turn * step, foot)]
        brush.fill(_flat(leg, x, z), trousers * (0.95 + 0.1 * turn), line=0.2)
    torso = [(-0.17, hip - 0.08), (0.17, hip - 0.08), (0.25, shoulder), (0.12, shoulder + 0.07)]
    brush.fill(_flat([*torso, (-0.12, shoulder + 0.07), (-0.25, shoulder)], x, z), coat)
    for turn in (-1, 1):
        arm = [(turn * 0.22, shoulder), (turn * (0.24 + rng.uniform(0.05, 0.25)), hip + 0.02)]
        brush.fill(_flat(arm, x, z), coat * 0.85, line=0.12)
    brush.fill(disc(x, shoulder + 0.22, z, 0.13, 1.2), pick(rng, SKIN))
    brush.fill(disc(x, shoulder + 0.3, z, 0.12, 0.7), mix(DARK_HAIR, FAIR_HAIR, rng.random()))


def _flat(outline: list[tuple[float, float]], x: float, z: float) -> Points:
    """Points (right, up) of a figure that stands at (x, z) and faces the camera."""
    return np.array([(x + right, up, z) for right, up in outline])


def draw_bicycle(brush: Brush, rng: Rng, x: float, z: float, rider: bool) -> None:
    """A bicycle seen from its side; one looks through its wheels, yet they belong to it."""
    brush.begin(Kind.BICYCLE, float(rng.random()))
    color = pick(rng, CARS)
    _shadow(brush, x, z, 0.8, 0.3)
    for hub in (x - 0.52, x + 0.52):
        wheel = disc(hub, 0.36, z, 0.36, corners=18)
        brush.fill(wheel, STEEL, alpha=70)
        brush.fill(np.concatenate([wheel, wheel[:2]]), TYRE, line=0.07)
    axle, pedals, saddle, head = (-0.52, 0.36), (-0.05, 0.36), (-0.2, 0.85), (0.35, 0.82)
    brush.fill(_flat([axle, saddle, head, pedals, saddle, pedals, axle], x, z), color, line=0.08)
    brush.fill(_flat([(0.52, 0.36), (0.32, 0.95), (0.46, 1.02)], x, z), color, line=0.08)
    brush.fill(upright(x - 0.34, x - 0.08, 0.9, 0.98, z), TYRE)
    if rider:
        draw_person(brush, rng, x - 0.1, z - 0.05, seat=0.25)


def _box(
    brush: Brush, x: float, half: float, y: tuple[float, float], z: tuple[float, float], color: Color, taper: float
) -> tuple[Points, Points]:
    """Draw a box around x whose roof is `taper` metres shorter at both ends; return its near face and its side."""
    top = half - taper / 2
    near = np.array([(-half, y[0], z[0]), (half, y[0], z[0]), (top, y[1], z[0] + taper), (-top, y[1], z[0] + taper)])
    far = near * (1, 1, 0) + np.array([(0, 0, z[1]), (0, 0, z[1]), (0, 0, z[1] - taper), (0, 0, z[1] - taper)])
    near[:, 0] += x
    far[:, 0] += x
    low, high = (0, 3) if x > 0 else (1, 2)  # the side that the camera sees
    side = np.array([near[low], far[low], far[high], near[high]])
    brush.fill(side, color * 0.74)
    brush.fill(np.array([near[3], near[2], far[2], far[3]]), color * 1.12 + 8)
    brush.fill(near, color)
    return near, side


def _wheels(brush: Brush, near: Points, side: Points, radius: float) -> None:
    """Wheels with hubs on the visible side, and the tyres below the near face."""
    left, right, width = near[0, 0], near[1, 0], 0.27 * (near[1, 0] - near[0, 0]) / 2
    for x in (left, right - width):
        brush.fill(upright(x, x + width, 0, near[0, 1] + 0.1, near[0, 2]), TYRE)
    ring = disc(0, 0, 0, radius)
    for share in (0.2, 0.8):
        z = side[0, 2] + share * (side[1, 2] - side[0, 2])
        for size, color in ((1.0, TYRE), (0.5, STEEL)):
            spot = np.column_stack([np.full(len(ring), side[0, 0]), radius + size * ring[:, 1], z + size * ring[:, 0]])
            brush.fill(spot, color)


def _lights(brush: Brush, face: Points, oncoming: bool) -> None:
    """Lamps, number plate and bumper on the near face."""
    for start, stop in ((0.03, 0.2), (0.8, 0.97)):
        lamp = HEADLIGHT if oncoming else TAILLIGHT
        brush.fill(panel(face, start, stop, 0.55, 0.85), lamp, glow=oncoming or brush.mood.lit_windows > 0.2)
    brush.fill(panel(face, 0.36, 0.64, 0.25, 0.48), PALE)
    brush.fill(panel(face, 0.0, 1.0, 0.0, 0.16), BLACK)


def _glass(brush: Brush, rng: Rng) -> Color:
    return mix(GLASS, brush.mood.horizon, rng.uniform(0.05, 0.4))


def draw_car(brush: Brush, rng: Rng, x: float, z: float, oncoming: bool) -> None:
    """A car seen from behind or, oncoming, from the front; an odd one is a tall van, much like a small bus."""
    odd, color = float(rng.random()), pick(rng, CARS)
    van = odd > 0.7
    half, long = (0.98, 4.9) if van else (0.9, rng.uniform(3.8, 4.6))
    waist, roof = (1.15, 2.1) if van else (0.9, rng.uniform(1.4, 1.6))
    bonnet, boot = (0.9, 0.1) if van else (1.15, 0.2)
    cabin = (z + bonnet, z + long - boot) if oncoming else (z + boot, z + long - bonnet)
    brush.begin(Kind.CAR, odd)
    _shadow(brush, x, z + long / 2, half * 1.35, long * 0.56)
    near, side = _box(brush, x, half, (0.26, waist), (z, z + long), color, 0.06)
    _wheels(brush, near, side, 0.33)
    screen, windows = _box(brush, x, half * 0.95, (waist, roof), cabin, color, 0.12 if van else 0.4)
    shine = _glass(brush, rng)
    brush.fill(panel(screen, 0.08, 0.92, 0.12, 0.88), shine)
    for start, stop in ((0.05, 0.48), (0.53, 0.94)):
        brush.fill(panel(windows, start, stop, 0.12, 0.88), shine * 0.8)
    _lights(brush, near, oncoming)


def draw_bus(brush: Brush, rng: Rng, x: float, z: float, oncoming: bool) -> None:
    """A bus; an odd one is a grey minibus, much like a van."""
    odd = float(rng.random())
    color = mix(pick(rng, BUSES), SILVER, 0.9 * odd**3)
    half, long, roof = 1.25, rng.uniform(8, 11) - 3 * odd, 3.1 - 0.5 * odd
    brush.begin(Kind.BUS, odd)
    _shadow(brush, x, z + long / 2, half * 1.3, long * 0.54)
    near, side = _box(brush, x, half, (0.32, roof), (z, z + long), color, 0.05)
    _wheels(brush, near, side, 0.48)
    shine = _glass(brush, rng)
    brush.fill(panel(near, 0.07, 0.93, 0.42, 0.82), shine)
    brush.fill(panel(near, 0.25, 0.75, 0.86, 0.96), LAMPS[1] if oncoming else BLACK, glow=oncoming)
    for start in np.arange(0.03, 0.92, 0.157):
        brush.fill(panel(side, start, start + 0.13, 0.44, 0.8), shine * 0.85)
    for face in (near, side):
        brush.fill(panel(face, 0, 1, 0.26, 0.33), PALE)
    _lights(brush, panel(near, 0, 1, 0, 0.34), oncoming)
