"""The picture if no word asks for a scene: soft ribbons of light over a mesh of colours."""

# pyright: reportUnknownMemberType=false
# Pillow's own types name numpy, which is not installed.

from __future__ import annotations

import colorsys
import math
from typing import TYPE_CHECKING

from PIL import Image, ImageChops, ImageFilter

from imgplay_widget.providers.demo.painting.brushes import outline, spot, stamp
from imgplay_widget.providers.demo.painting.words import mix

if TYPE_CHECKING:
    import random

    from imgplay_widget.providers.demo.painting.words import Scene

__all__ = ["ribbons"]

RGB = tuple[int, int, int]


def ribbons(rng: random.Random, size: tuple[int, int], scene: Scene) -> Image.Image:
    """Return an abstract picture in the scene's colours."""
    width, height = size
    colours = _harmony(rng, scene)
    picture = Image.new("RGB", (5, 5))
    picture.putdata([mix(rng.choice(colours), colours[0], rng.uniform(0, 0.6)) for _ in range(25)])
    picture = picture.resize(size, Image.Resampling.BICUBIC)
    count = rng.randint(7, 10)
    slope, bend = rng.uniform(-0.35, 0.35), rng.uniform(0.5, 1.1)
    phase = rng.uniform(0, math.tau)
    for i in range(count):
        depth = i / (count - 1)
        base = height * (0.12 + 0.95 * depth)
        reach = height * rng.uniform(0.06, 0.15)
        line = [
            (
                width * t / 64,
                base
                + slope * height * (t / 64 - 0.5)
                + reach * math.sin(math.tau * bend * t / 64 + phase + depth * 2.6)
                + reach * 0.35 * math.sin(math.tau * 2.3 * bend * t / 64 + phase * 2 + depth * 4),
            )
            for t in range(-2, 67)
        ]
        mask = outline(size, [*line, (width * 1.1, height * 2.0), (-width * 0.1, height * 2.0)])
        # The shadow of a sheet on the one behind it makes the depth.
        small = mask.reduce(8).filter(ImageFilter.GaussianBlur(max(size) / 200))
        shadow = ImageChops.offset(small, 0, -max(1, height // 160)).resize(size, Image.Resampling.BILINEAR)
        stamp(picture, mix(colours[0], (0, 0, 0), 0.5), shadow.point([round(v * 0.4) for v in range(256)]))
        top, bottom = colours[(i + 1) % len(colours)], colours[(i + 2) % len(colours)]
        sheet = Image.new("RGB", (2, 2))
        sheet.putdata(
            [mix(top, (255, 255, 255), 0.16), top, mix(top, bottom, 0.7), mix(bottom, colours[0], 0.35)]
        )
        stamp(picture, sheet.resize(size, Image.Resampling.BICUBIC), mask)
    centre = (width * rng.uniform(0.15, 0.85), height * rng.uniform(0.05, 0.4))
    light = spot(
        (128, 128), (128 * centre[0] / width, 128 * centre[1] / height), 110, lambda d: 0.42 * (1 - d) ** 2
    )
    glow = light.resize(size, Image.Resampling.BICUBIC)
    return ImageChops.screen(picture, Image.merge("RGB", (glow, glow, glow)))


def _harmony(rng: random.Random, scene: Scene) -> list[RGB]:
    if scene.tint is not None:
        r, g, b = (value / 255 for value in scene.tint)
        hue, _, own = colorsys.rgb_to_hls(r, g, b)
        strength = 0.75 if own > 0.12 else own
    else:
        hue, strength = rng.random(), rng.uniform(0.5, 0.75)
    spread = rng.choice([0.05, 0.08, 0.11]) * rng.choice([-1, 1])
    steps = [(0, 0.2), (0.4, 0.36), (1.0, 0.52), (1.7, 0.66), (2.6, 0.8), (1.2, 0.6)]
    found: list[RGB] = []
    for turn, lightness in steps:
        r, g, b = colorsys.hls_to_rgb((hue + spread * turn) % 1.0, lightness, strength)
        found.append((round(r * 255), round(g * 255), round(b * 255)))
    return found
