"""Figures: a fox, a cat, birds, a boat and a flower, as flat shapes that fit the light of the scene."""

# pyright: reportUnknownMemberType=false
# Pillow's own types name numpy, which is not installed.

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw

from imgplay_widget.providers._painting.words import mix

if TYPE_CHECKING:
    import random

    from imgplay_widget.providers._painting.words import Scene

__all__ = ["birds", "on_land", "on_water"]

RGB = tuple[int, int, int]
Point = tuple[float, float]
Line = list[Point]


def birds(rng: random.Random, image: Image.Image, horizon: int, scene: Scene) -> None:
    """Paints a flock into the sky."""
    width, height = image.size
    cx, cy = width * rng.uniform(0.25, 0.75), horizon * rng.uniform(0.22, 0.45)
    colour = mix(scene.palette.near, scene.palette.sky[0], 0.15)
    sheet = Image.new("L", (width * 2, height * 2))
    pen = ImageDraw.Draw(sheet)
    for _ in range(rng.randint(7, 12)):
        span = width * rng.uniform(0.012, 0.034)
        x, y = cx + rng.gauss(0, 0.13) * width, cy + rng.gauss(0, 0.07) * height
        lift, lean = span * rng.uniform(0.35, 0.75), rng.uniform(-0.25, 0.25)
        for side in (-1, 1):
            upper: Line = []
            lower: Line = []
            for i in range(13):
                t = i / 12
                px = x + side * span * t
                arch = lift * math.sin(math.pi * min(1.0, t * 0.82)) + side * lean * span * t
                thick = span * 0.085 * (1 - t) ** 0.7
                upper.append((px * 2, (y - arch - thick) * 2))
                lower.append((px * 2, (y - arch + thick) * 2))
            pen.polygon([*upper, *reversed(lower)], fill=255)
        body = span * 0.09
        pen.ellipse(((x - body) * 2, (y - body) * 2, (x + body) * 2, (y + body * 2.2) * 2), fill=255)
    image.paste(colour, (0, 0, width, height), sheet.reduce(2))


def on_water(rng: random.Random, image: Image.Image, horizon: int, scene: Scene) -> None:
    """Paints a sailing boat where the scene has one."""
    if "boat" not in scene.things:
        return
    width, height = image.size
    unit = min(width, height) * 0.17
    x, y = width * rng.uniform(0.3, 0.7), horizon + (height - horizon) * 0.24
    dark = mix(scene.palette.near, (10, 10, 20), 0.3)
    sail = scene.subject or mix((250, 244, 230), scene.palette.glow, 0.35)
    shapes: list[tuple[Line, RGB]] = [
        ([(-0.5, 0.0), (0.55, 0.0), (0.4, 0.17), (-0.36, 0.17)], dark),
        ([(-0.02, -1.25), (0.02, -1.25), (0.02, 0.02), (-0.02, 0.02)], dark),
        (_curve([(0.05, -1.2), (0.36, -0.62), (0.52, -0.1), (0.05, -0.1)], closed=False), sail),
        (
            _curve([(-0.05, -1.05), (-0.26, -0.55), (-0.44, -0.12), (-0.05, -0.1)], closed=False),
            mix(sail, dark, 0.14),
        ),
    ]
    _paste(
        image,
        [([(px, -py * 0.8) for px, py in p], mix(c, dark, 0.45)) for p, c in shapes],
        (x, y + unit * 0.3),
        unit,
        0.4,
    )
    _paste(image, shapes, (x, y), unit, 1.0)


def on_land(rng: random.Random, image: Image.Image, ground: Line, scene: Scene) -> None:
    """Paints the animal or flower that the scene has onto the nearest ground."""
    width, height = image.size
    unit = min(width, height) * 0.34
    at = rng.uniform(0.34, 0.66)
    index = round(at * (len(ground) - 1))
    x, y = ground[index][0], min(height * 0.9, ground[index][1] + unit * 0.16)
    rim = mix(scene.palette.glow, (255, 255, 255), 0.3)
    night = 0.45 if scene.time == "night" else 0.16 if scene.time == "sunset" else 0.0
    flip = -1 if rng.random() < 0.5 else 1
    if "fox" in scene.things:
        fur = mix(scene.subject or (214, 104, 42), (214, 104, 42), 0.5)
        shapes = _fox(
            mix(fur, scene.palette.near, night), mix((250, 244, 236), scene.palette.near, night), rim
        )
    elif "cat" in scene.things:
        fur = scene.subject or mix(scene.palette.near, (16, 16, 24), 0.6)
        shapes = _cat(mix(fur, scene.palette.near, night), rim)
    elif "flower" in scene.things:
        shapes = _flower(rng, scene)
        unit *= 1.35
        y += unit * 0.2
    else:
        return
    _shadow(image, (x, y), unit, scene)
    _paste(image, [([(px * flip, py) for px, py in p], c) for p, c in shapes], (x, y), unit, 1.0)


def _shadow(image: Image.Image, foot: Point, unit: float, scene: Scene) -> None:
    wide, tall = round(unit * 1.25), max(2, round(unit * 0.22))
    blot = Image.radial_gradient("L").point([round(150 * max(0.0, 1 - i / 170)) for i in range(256)])
    corner = (round(foot[0] - wide / 2), round(foot[1] - tall / 2))
    dark = mix(scene.palette.near, (8, 10, 24), 0.5)
    image.paste(dark, (*corner, corner[0] + wide, corner[1] + tall), blot.resize((wide, tall)))


def _paste(
    image: Image.Image, shapes: list[tuple[Line, RGB]], at: Point, unit: float, strength: float
) -> None:
    """Paints polygons in units around a point; y runs down, the foot is at 0."""
    margin = 1.7
    edge = round(unit * margin * 2)
    fine = 3
    sprite = Image.new("RGBA", (edge * fine, edge * fine))
    pen = ImageDraw.Draw(sprite)
    for points, colour in shapes:
        pen.polygon(
            [((px + margin) * unit * fine, (py + margin) * unit * fine) for px, py in points],
            fill=(*colour, 255),
        )
    sprite = sprite.convert("RGBa").reduce(fine).convert("RGBA")
    mask = sprite.getchannel("A").point([round(v * strength) for v in range(256)])
    image.paste(sprite.convert("RGB"), (round(at[0] - edge / 2), round(at[1] - edge / 2)), mask)


def _curve(points: Line, *, closed: bool = True, fine: int = 10) -> Line:
    """A smooth line (Catmull-Rom) through the points."""
    count = len(points)
    found: Line = []
    for i in range(count if closed else count - 1):
        if closed:
            p0, p1, p2, p3 = (points[(i + k) % count] for k in (-1, 0, 1, 2))
        else:
            p0, p1, p2, p3 = (points[min(count - 1, max(0, i + k))] for k in (-1, 0, 1, 2))
        for step in range(fine):
            t = step / fine
            found.append(
                (
                    _between(p0[0], p1[0], p2[0], p3[0], t),
                    _between(p0[1], p1[1], p2[1], p3[1], t),
                )
            )
    if not closed:
        found.append(points[-1])
    return found


def _between(a: float, b: float, c: float, d: float, t: float) -> float:
    return 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)


def _fox(fur: RGB, white: RGB, rim: RGB) -> list[tuple[Line, RGB]]:
    dark = mix(fur, (24, 16, 18), 0.72)
    shade, lit = mix(fur, dark, 0.28), mix(fur, rim, 0.28)
    tail = _curve(
        [
            (0.2, -0.06),
            (0.52, -0.02),
            (0.8, -0.16),
            (0.9, -0.42),
            (0.78, -0.66),
            (0.66, -0.4),
            (0.5, -0.26),
            (0.26, -0.24),
        ]
    )
    tip = _curve([(0.83, -0.32), (0.91, -0.46), (0.78, -0.68), (0.68, -0.46), (0.73, -0.36)])
    body = _curve(
        [
            (-0.2, 0.0),
            (-0.24, -0.3),
            (-0.2, -0.62),
            (0.0, -0.78),
            (0.16, -0.62),
            (0.3, -0.34),
            (0.4, -0.08),
            (0.3, 0.0),
        ]
    )
    haunch = _curve([(0.06, 0.0), (0.05, -0.22), (0.2, -0.36), (0.37, -0.22), (0.36, 0.0)])
    chest = _curve(
        [(-0.2, -0.26), (-0.21, -0.56), (-0.06, -0.66), (0.0, -0.5), (-0.06, -0.3), (-0.12, -0.14)]
    )
    leg = _curve([(-0.2, -0.34), (-0.06, -0.36), (-0.07, -0.1), (-0.06, 0.0), (-0.24, 0.0), (-0.19, -0.12)])
    sock = _curve([(-0.19, -0.14), (-0.07, -0.14), (-0.06, 0.0), (-0.24, 0.0)])
    head = _curve(
        [
            (-0.5, -0.7),
            (-0.34, -0.84),
            (-0.24, -0.97),
            (-0.02, -1.0),
            (0.14, -0.88),
            (0.1, -0.7),
            (-0.06, -0.62),
            (-0.28, -0.62),
        ]
    )
    cheek = _curve(
        [
            (-0.5, -0.69),
            (-0.36, -0.74),
            (-0.2, -0.76),
            (-0.04, -0.82),
            (0.06, -0.7),
            (-0.08, -0.61),
            (-0.3, -0.61),
        ]
    )
    far_ear: Line = [(-0.24, -0.93), (-0.26, -1.24), (-0.07, -0.99)]
    ear: Line = [(-0.1, -0.98), (0.04, -1.3), (0.15, -0.88)]
    inner: Line = [(-0.03, -0.99), (0.04, -1.2), (0.1, -0.92)]
    nose = _curve([(-0.53, -0.72), (-0.48, -0.755), (-0.44, -0.71), (-0.49, -0.675)])
    eye = _curve([(-0.24, -0.83), (-0.18, -0.865), (-0.13, -0.835), (-0.18, -0.81)])
    return [
        (tail, shade), (tip, white), (body, fur), (haunch, lit), (chest, white), (leg, fur), (sock, dark),
        (far_ear, dark), (head, lit), (cheek, white), (ear, fur), (inner, dark), (nose, dark),
        (eye, (20, 14, 16)),
    ]  # fmt: skip


def _cat(fur: RGB, rim: RGB) -> list[tuple[Line, RGB]]:
    lit = mix(fur, rim, 0.12)
    tail = _curve(
        [
            (0.2, -0.02),
            (0.5, 0.0),
            (0.72, -0.12),
            (0.76, -0.36),
            (0.66, -0.5),
            (0.6, -0.44),
            (0.66, -0.34),
            (0.6, -0.18),
            (0.44, -0.12),
            (0.22, -0.14),
        ]
    )
    body = _curve(
        [
            (-0.3, 0.0),
            (-0.34, -0.2),
            (-0.24, -0.52),
            (-0.13, -0.76),
            (0.13, -0.76),
            (0.24, -0.52),
            (0.34, -0.2),
            (0.3, 0.0),
        ]
    )
    head = _curve(
        [
            (-0.22, -0.84),
            (-0.17, -1.0),
            (0.0, -1.05),
            (0.17, -1.0),
            (0.22, -0.84),
            (0.12, -0.7),
            (-0.12, -0.7),
        ]
    )
    left: Line = [(-0.215, -0.88), (-0.2, -1.2), (-0.04, -1.02)]
    right: Line = [(0.215, -0.88), (0.2, -1.2), (0.04, -1.02)]
    return [(tail, fur), (body, fur), (left, fur), (right, fur), (head, lit)]


def _flower(rng: random.Random, scene: Scene) -> list[tuple[Line, RGB]]:
    colour = (
        scene.subject
        or scene.tint
        or rng.choice([(226, 84, 104), (242, 160, 80), (196, 120, 214), (240, 214, 110)])
    )
    leaf = mix((58, 116, 66), scene.palette.near, 0.35)
    shapes: list[tuple[Line, RGB]] = [
        ([(-0.02, -0.85), (0.02, -0.85), (0.035, 0.1), (-0.035, 0.1)], leaf),
        (_curve([(0.0, -0.1), (0.2, -0.34), (0.42, -0.4), (0.26, -0.16)]), mix(leaf, (255, 255, 255), 0.1)),
        (_curve([(0.0, -0.2), (-0.2, -0.42), (-0.4, -0.46), (-0.24, -0.24)]), mix(leaf, (0, 0, 0), 0.12)),
    ]
    turn = rng.uniform(0, math.tau)
    for ring, (count, long, wide) in enumerate(((11, 0.48, 0.13), (9, 0.36, 0.11), (7, 0.24, 0.08))):
        for i in range(count):
            angle = turn + math.tau * (i + ring * 0.5) / count
            tone = mix(
                mix(colour, (0, 0, 0), 0.24 - 0.1 * ring),
                (255, 255, 255),
                0.06 + 0.1 * ring + 0.1 * (math.sin(angle) < 0),
            )
            petal = _curve(
                [
                    (0.0, 0.0),
                    (long * 0.45, -wide),
                    (long * 0.9, -wide * 0.6),
                    (long, 0.0),
                    (long * 0.9, wide * 0.6),
                    (long * 0.45, wide),
                ]
            )
            c, s = math.cos(angle), math.sin(angle)
            shapes.append(([(x * c - y * s, x * s + y * c - 0.9) for x, y in petal], tone))
    heart = [
        (0.085 * math.cos(math.tau * i / 24), 0.085 * math.sin(math.tau * i / 24) - 0.9) for i in range(24)
    ]
    return [*shapes, (heart, (244, 200, 90))]
