"""Figures: a fox, a cat, birds, a boat and a flower, as flat shapes that fit the light of the scene."""

# pyright: reportUnknownMemberType=false
# Pillow's own types name numpy, which is not installed.

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw

from imgplay_widget.providers.demo.painting import shapes
from imgplay_widget.providers.demo.painting.words import mix

if TYPE_CHECKING:
    import random

    from imgplay_widget.providers.demo.painting.words import Scene

__all__ = ["birds", "on_land", "on_water"]

RGB = tuple[int, int, int]
Point = tuple[float, float]
Line = list[Point]


def birds(rng: random.Random, image: Image.Image, horizon: int, scene: Scene) -> None:
    """Paint a flock into the sky."""
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
    """Paint a sailing boat where the scene has one."""
    if "boat" not in scene.things:
        return
    width, height = image.size
    unit = min(width, height) * 0.17
    x, y = width * rng.uniform(0.3, 0.7), horizon + (height - horizon) * 0.24
    dark = mix(scene.palette.near, (10, 10, 20), 0.3)
    sail = scene.subject or mix((250, 244, 230), scene.palette.glow, 0.35)
    parts: list[tuple[Line, RGB]] = [
        ([(-0.5, 0.0), (0.55, 0.0), (0.4, 0.17), (-0.36, 0.17)], dark),
        ([(-0.02, -1.25), (0.02, -1.25), (0.02, 0.02), (-0.02, 0.02)], dark),
        (shapes.curve([(0.05, -1.2), (0.36, -0.62), (0.52, -0.1), (0.05, -0.1)], closed=False), sail),
        (
            shapes.curve([(-0.05, -1.05), (-0.26, -0.55), (-0.44, -0.12), (-0.05, -0.1)], closed=False),
            mix(sail, dark, 0.14),
        ),
    ]
    _paste(
        image,
        [([(px, -py * 0.8) for px, py in p], mix(c, dark, 0.45)) for p, c in parts],
        (x, y + unit * 0.3),
        unit,
        0.4,
    )
    _paste(image, parts, (x, y), unit, 1.0)


def on_land(rng: random.Random, image: Image.Image, ground: Line, scene: Scene) -> None:
    """Paint the animal or flower that the scene has onto the nearest ground."""
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
        parts = shapes.fox(
            mix(fur, scene.palette.near, night), mix((250, 244, 236), scene.palette.near, night), rim
        )
    elif "cat" in scene.things:
        fur = scene.subject or mix(scene.palette.near, (16, 16, 24), 0.6)
        parts = shapes.cat(mix(fur, scene.palette.near, night), rim)
    elif "flower" in scene.things:
        parts = shapes.flower(rng, scene)
        unit *= 1.35
        y += unit * 0.2
    else:
        return
    _shadow(image, (x, y), unit, scene)
    if "flower" not in scene.things:
        # Light from behind: it parts a dark figure from a dark ground.
        edge = mix(rim, scene.palette.sky[-1], 0.4)
        parts = [([(px - 0.008, py - 0.014) for px, py in p], edge) for p, _ in parts] + parts
    _paste(image, [([(px * flip, py) for px, py in p], c) for p, c in parts], (x, y), unit, 1.0)


def _shadow(image: Image.Image, foot: Point, unit: float, scene: Scene) -> None:
    wide, tall = round(unit * 1.25), max(2, round(unit * 0.22))
    blot = Image.radial_gradient("L").point([round(150 * max(0.0, 1 - i / 170)) for i in range(256)])
    corner = (round(foot[0] - wide / 2), round(foot[1] - tall / 2))
    dark = mix(scene.palette.near, (8, 10, 24), 0.5)
    image.paste(dark, (*corner, corner[0] + wide, corner[1] + tall), blot.resize((wide, tall)))


def _paste(
    image: Image.Image, parts: list[tuple[Line, RGB]], at: Point, unit: float, strength: float
) -> None:
    """Paint polygons in units around a point; y runs down, the foot is at 0."""
    xs = [x for points, _ in parts for x, _ in points]
    ys = [y for points, _ in parts for _, y in points]
    left, top = min(xs) - 0.02, min(ys) - 0.02
    fine = 2
    width, height = (round((high - low + 0.04) * unit) + 2 for low, high in ((left, max(xs)), (top, max(ys))))
    sprite = Image.new("RGBA", (width * fine, height * fine))
    pen = ImageDraw.Draw(sprite)
    for points, colour in parts:
        pen.polygon(
            [((x - left) * unit * fine, (y - top) * unit * fine) for x, y in points], fill=(*colour, 255)
        )
    # Reduced with its colours weighted by their cover, or the edges would darken.
    sprite = sprite.convert("RGBa").reduce(fine).convert("RGBA")
    mask = sprite.getchannel("A").point([round(v * strength) for v in range(256)])
    image.paste(sprite.convert("RGB"), (round(at[0] + left * unit), round(at[1] + top * unit)), mask)
