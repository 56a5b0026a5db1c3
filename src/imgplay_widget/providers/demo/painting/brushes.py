"""Soft gradients, noise, outlines and light, with which all motifs are painted.

Large soft things are drawn small and enlarged, which is fast and smooth. Only edges are drawn at twice the
full size and reduced.
"""

# pyright: reportUnknownMemberType=false
# Pillow's own types name numpy, which is not installed.

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

from PIL import Image, ImageChops, ImageDraw, ImageOps

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

__all__ = ["add_light", "dither", "noise", "outline", "ramp", "ridge", "spot", "stamp", "waves"]

RGB = tuple[int, int, int]
Size = tuple[int, int]
Point = tuple[float, float]
_SMALL = 256


def ramp(size: Size, stops: Sequence[RGB]) -> Image.Image:
    """Return a vertical gradient through evenly spaced colours, first one on top."""
    column = Image.new("RGB", (1, len(stops)))
    column.putdata(list(stops))
    # Enlarging in two steps keeps the ends of the gradient at the edges of the picture.
    fine = column.resize((1, _SMALL), Image.Resampling.BICUBIC)
    return fine.resize(size, Image.Resampling.BILINEAR)


def noise(rng: random.Random, size: Size, cells: tuple[int, int], octaves: int) -> Image.Image:
    """Return soft fractal noise ("L"), stretched to the full range.

    Args:
        rng: the source of chance.
        size: the size in pixels.
        cells: the number of lumps across and down.
        octaves: the number of finer layers, each half as strong.
    """
    work = (min(size[0], 2 * _SMALL), min(size[1], 2 * _SMALL))
    layers: list[Image.Image] = []
    for octave in range(octaves):
        across, down = min(work[0], cells[0] << octave), min(work[1], cells[1] << octave)
        lumps = Image.frombytes("L", (across, down), rng.randbytes(across * down))
        layers.append(lumps.resize(work, Image.Resampling.BICUBIC))
    total = layers.pop()
    while layers:
        # From the finest to the coarsest: each blend halves the weight of all finer ones.
        total = Image.blend(total, layers.pop(), 0.55)
    return ImageOps.autocontrast(total, cutoff=1).resize(size, Image.Resampling.BILINEAR)


def outline(size: Size, points: Sequence[Point]) -> Image.Image:
    """Return a mask ("L") of a polygon with smooth edges; points in pixels."""
    mask = Image.new("L", (size[0] * 2, size[1] * 2))
    ImageDraw.Draw(mask).polygon([(x * 2, y * 2) for x, y in points], fill=255)
    return mask.reduce(2)


def spot(size: Size, centre: Point, radius: float, curve: Callable[[float], float]) -> Image.Image:
    """Return a round light ("L").

    Args:
        size: in pixels.
        centre: in pixels.
        radius: in pixels.
        curve: brightness (0.0 to 1.0) at a distance of 0.0 (centre) to 1.0 (radius).
    """
    small = Image.radial_gradient("L").point([round(255 * curve(min(1.0, i / 181))) for i in range(256)])
    edge = max(2, round(radius * 2 * 128 / 181 * math.sqrt(2)))
    mask = Image.new("L", size)
    mask.paste(
        small.resize((edge, edge), Image.Resampling.BICUBIC),
        (round(centre[0] - edge / 2), round(centre[1] - edge / 2)),
    )
    return mask


def add_light(image: Image.Image, colour: RGB, mask: Image.Image) -> Image.Image:
    """Return the image with light of a colour added where the mask is bright."""
    return ImageChops.screen(image, ImageOps.colorize(mask, (0, 0, 0), colour))


def stamp(image: Image.Image, paint: Image.Image | RGB, mask: Image.Image) -> None:
    """Paint a colour or an image of the same size onto the image through a mask."""
    if isinstance(paint, tuple):
        image.paste(paint, (0, 0, *image.size), mask)
    else:
        image.paste(paint, (0, 0), mask)


def ridge(rng: random.Random, roughness: float, count: int = 256) -> list[float]:
    """Return the heights (0.0 to 1.0) of a mountain ridge from left to right; count is a power of two."""
    heights = [rng.random() for _ in range(3)]
    reach = 0.6
    while len(heights) <= count:
        finer: list[float] = []
        for a, b in pairwise(heights):
            finer += [a, (a + b) / 2 + rng.uniform(-reach, reach) / 2]
        heights = [*finer, heights[-1]]
        reach *= roughness
    low, high = min(heights), max(heights)
    return [(h - low) / (high - low) for h in heights]


def waves(rng: random.Random, slowest: float, count: int = 128) -> list[float]:
    """Return the heights (0.0 to 1.0) of rolling hills; `slowest` waves fit across the picture."""
    parts = [(rng.uniform(0.8, 1.2) * slowest * 1.9**i, rng.uniform(0, math.tau), 0.42**i) for i in range(4)]
    heights = [
        sum(strength * math.sin(math.tau * speed * i / count + phase) for speed, phase, strength in parts)
        for i in range(count + 1)
    ]
    low, high = min(heights), max(heights)
    return [(h - low) / (high - low) for h in heights]


def dither(rng: random.Random, image: Image.Image, strength: int) -> Image.Image:
    """Return the image with grain; a little of it hides the steps of 8-bit gradients."""
    edge = _SMALL
    tile = Image.frombytes("L", (edge, edge), rng.randbytes(edge * edge)).point(
        [128 + round((i - 127.5) / 127.5 * strength) for i in range(256)]
    )
    sheet = Image.new("L", image.size)
    for x in range(0, image.width, edge):
        for y in range(0, image.height, edge):
            # Turned and mirrored tiles: a repeated one shows as a pattern in flat skies.
            sheet.paste(tile.transpose(Image.Transpose(rng.randrange(5))), (x, y))
    return ImageChops.add(image, Image.merge("RGB", (sheet, sheet, sheet)), scale=1, offset=-128)
